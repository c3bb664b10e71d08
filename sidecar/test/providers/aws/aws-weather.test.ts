import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { ACCESS_KEY, AUDIENCE, BROKER, credentialsFile, judgedProvider, ROLE } from './aws-provider.ts';

const open = async () => {
  const judged = await judgedProvider({ method: 'file', path: credentialsFile() }, { role: ROLE });
  judged.judge.account.keys.set(ACCESS_KEY.id, { secretAccessKey: ACCESS_KEY.secret });
  judged.judge.account.roles.set(ROLE, { principals: [ACCESS_KEY.id] });
  return judged;
};

test('an AWS that is away is said to be, and is asked again by the next who comes', async () => {
  const { provider, judge, order } = await open();
  judge.answerNext((response) => response.destroy());
  await expect(provider.mint(order())).rejects.toMatchObject({ code: 'upstream_unavailable', retryable: true });
  await expect(provider.mint(order())).resolves.toMatchObject({ expiresAtMs: expect.any(Number) as number });
});

test('an answer without end is given up', async () => {
  const { provider, judge, order } = await open();
  judge.answerNext((response) => response.writeHead(200).end(Buffer.alloc(2 * 1024 * 1024, 'x')));
  await expect(provider.mint(order())).rejects.toMatchObject({ code: 'upstream_answer_invalid' });
});

test('a redirection is not followed: keys go where the configuration says', async () => {
  const { provider, judge, order } = await open();
  judge.answerNext((response) => response.writeHead(302, { location: `${judge.url}/elsewhere` }).end());
  await expect(provider.mint(order())).rejects.toMatchObject({ code: 'upstream_answer_invalid' });
  expect(judge.received).toHaveLength(1);
});

test('a request that is given up ends at once, and AWS sees the connection go', async () => {
  const { provider, judge, order } = await open();
  const gaveUp = new AbortController();
  const gone = Promise.withResolvers<void>();
  judge.answerNext((response) => {
    response.on('close', () => gone.resolve());
    gaveUp.abort(new Error('gave up'));
  });
  await expect(provider.mint(order({ signal: gaveUp.signal }))).rejects.toThrow('gave up');
  await gone.promise;
});

test('what is under way ends when the provider is let go of, its own login too', async () => {
  const { provider, judge, order, federation } = await judgedProvider(
    { method: 'web-identity', role: BROKER },
    { role: ROLE },
  );
  judge.account.provider = { issuer: federation.issuer, jwks: federation.jwks, audience: AUDIENCE };
  judge.answerNext(() => void provider.close());
  await expect(provider.mint(order())).rejects.toMatchObject({ code: 'upstream_unavailable' });
});

test('no secret is in errors, in what the log is told, or in the provider itself', async () => {
  const { provider, judge, order, logged } = await open();
  const { material } = await provider.mint(order());
  const minted = material as { secretAccessKey: string; sessionToken: string };
  const said: string[] = [...logged, inspect(provider, { depth: 10, showHidden: true })];
  const failures: (() => void)[] = [
    () => judge.account.roles.clear(),
    () => judge.account.keys.clear(),
    () => judge.answerNext((response) => response.destroy()),
    () => judge.answerNext((response) => response.end(`<a>${ACCESS_KEY.secret}</a>`)),
    () => judge.answerNext((response) => response.writeHead(403).end(`{"__type":"${minted.sessionToken}"}`)),
  ];
  for (const fail of failures) {
    fail();
    const error: unknown = await provider.mint(order()).catch((thrown: unknown) => thrown);
    said.push(inspect(error, { depth: 10, showHidden: true }), JSON.stringify(error));
  }
  said.push(...judge.received.map(({ headers, body, url }) => JSON.stringify({ headers, body, url })));
  for (const secret of [ACCESS_KEY.secret, minted.secretAccessKey, minted.sessionToken]) {
    expect(said.filter((text) => text.includes(secret))).toEqual([]);
  }
});
