import { connect } from '@tallystick/sdk';
import { jest } from '@jest/globals';

test('a service is tested with a global fetch of its own, under fake timers', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
  globalThis.fetch = jest.fn(async () => new Response('ok'));
  const identity = await connect();
  await identity.fetch('https://ledger.acme.example/journal');
  const sent = new Request(...globalThis.fetch.mock.calls[0]);
  expect(sent.headers.get('authorization')).toMatch(/^DPoP /);
  await expect(identity.fetch('https://elsewhere.example/')).rejects.toMatchObject({ code: 'url_not_covered' });
  await identity.close();
});
