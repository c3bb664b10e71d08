import { expect, test } from 'vitest';
import { api, connected, sidecar } from './setup.ts';

test('identity.fetch sends a token and a proof that a strict API accepts', async () => {
  const fake = await sidecar();
  const server = await api(fake);
  const identity = await connected(fake);
  const response = await identity.fetch(`${server.origin}/journal?x=1`);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ caller: identity.id, path: '/journal?x=1' });
});

test('RFC 9449 §9: a nonce is learned from the 401 and sent with the one repetition, then kept', async () => {
  const fake = await sidecar();
  const server = await api(fake);
  server.nonces = true;
  const identity = await connected(fake);
  expect((await identity.fetch(`${server.origin}/`, { method: 'POST', body: 'one' })).status).toBe(200);
  expect((await identity.fetch(`${server.origin}/`, { method: 'POST', body: 'two' })).status).toBe(200);
  expect(server.seen.map(({ body }) => body)).toEqual(['one', 'one', 'two']);
});
