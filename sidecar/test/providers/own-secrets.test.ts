import { systemRandom, TallystickError } from '@tallystick/core';
import { expect, test, vi } from 'vitest';
import type { CredentialConfig } from '../../src/config/config.ts';
import { createOwnSecrets } from '../../src/providers/own-secrets.ts';
import { NotSent } from '../../src/providers/not-sent.ts';
import { OwnSecretMissing } from '../../src/providers/own-secret-missing.ts';
import type { Made, MintOrder, Provider } from '../../src/providers/provider.ts';
import { credential } from '../acme.ts';
import { manualTime } from '../manual-time.ts';

const SUBJECT = 'spiffe://acme.example/tallystick/sidecar/01J00000000000000000000000';
const HOUR_MS = 3_600_000;
const never = new AbortController().signal;

/** A vault whose answers are the test's. */
function vault() {
  const time = manualTime();
  const orders: MintOrder[] = [];
  let made: (order: MintOrder) => Promise<Made> = () => Promise.reject(new Error('nothing was set'));
  let config: CredentialConfig | undefined = credential('sso-client', {
    provider: 'vault-eu',
    type: 'secret',
    lifetimeMs: HOUR_MS,
    wanted: { path: 'secret/sso' },
  });
  const provider = {
    mint: (order: MintOrder) => {
      orders.push(order);
      return made(order);
    },
  } as unknown as Provider;
  const secrets = createOwnSecrets({
    upstreams: () => ({
      credential: () => config,
      get: async () => provider,
      within: (run) => run(never),
    }),
    subject: SUBJECT,
    clock: time,
    timers: time,
    random: systemRandom,
  });
  return {
    time,
    orders,
    read: (value = 'client_secret', signal = never) => secrets.read('sso-client', value, signal),
    refused: () => secrets.refused('sso-client'),
    stores(values: Readonly<Record<string, string>>): void {
      made = async ({ lifetimeMs }) => ({
        material: { values, version: '1' },
        expiresAtMs: time.nowMs() + lifetimeMs,
        handles: {},
      });
    },
    answers(next: typeof made): void {
      made = next;
    },
    configure(next: CredentialConfig | undefined): void {
      config = next;
    },
    config: () => config!,
  };
}

const away = () => Promise.reject(new TallystickError('upstream_unavailable', 'away'));

test('a secret is asked for in the name of the sidecar, once for all who want it', async () => {
  const { read, orders, stores } = vault();
  stores({ client_secret: 'canary' });
  expect(await Promise.all([read(), read(), read()])).toEqual(['canary', 'canary', 'canary']);
  expect(await read()).toBe('canary');
  expect(orders).toHaveLength(1);
  expect(orders[0]).toMatchObject({
    name: 'sso-client',
    wanted: { path: 'secret/sso' },
    identity: { id: SUBJECT },
    leaseId: expect.stringMatching(/^ls_[0-9A-Z]{26}$/) as string,
  });
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('from half of its lifetime on it is read anew behind who uses it, and it serves to its end while it cannot be', async () => {
  const { read, time, stores, answers } = vault();
  stores({ client_secret: 'the first' });
  await read();
  stores({ client_secret: 'the second' });
  time.advance(HOUR_MS / 2 - 1);
  expect(await read()).toBe('the first');
  await turn();
  expect(await read()).toBe('the first');
  time.advance(1);
  expect(await read()).toBe('the first');
  await turn();
  expect(await read()).toBe('the second');
  answers(away);
  time.advance(HOUR_MS - 1);
  expect(await read()).toBe('the second');
  await turn();
  expect(await read()).toBe('the second');
  time.advance(1);
  await expect(read()).rejects.toMatchObject({ code: 'upstream_unavailable' });
});

test('one that is taken away upstream is served on no longer than it takes to hear of it', async () => {
  const { read, time, stores, answers } = vault();
  stores({ client_secret: 'canary' });
  await read();
  answers(() => Promise.reject(new TallystickError('upstream_denied', 'no')));
  time.advance(HOUR_MS / 2);
  await read();
  await turn();
  await expect(read()).rejects.toMatchObject({ code: 'upstream_denied' });
});

test('a clock that is set back gives no secret a longer life', async () => {
  const { read, time, stores, answers } = vault();
  stores({ client_secret: 'canary' });
  await read();
  time.jump(-HOUR_MS);
  answers(away);
  time.advance(HOUR_MS);
  await expect(read()).rejects.toMatchObject({ code: 'upstream_unavailable' });
});

test('one that was refused where it was shown is read anew', async () => {
  const { read, refused, stores } = vault();
  stores({ client_secret: 'the first' });
  await read();
  stores({ client_secret: 'the second' });
  refused();
  expect(await read()).toBe('the second');
});

test('that it is not to be had is said of the upstream that has it: nothing was asked of the other', async () => {
  const { read, answers } = vault();
  const error = new TallystickError('upstream_rate_limited', '"vault-eu" answers too many', { retryAfterMs: 5000 });
  answers(() => Promise.reject(error));
  const thrown: unknown = await read().catch((caught: unknown) => caught);
  expect(thrown).toBeInstanceOf(OwnSecretMissing);
  expect(thrown).toBeInstanceOf(NotSent);
  expect(thrown).toMatchObject({ code: error.code, message: error.message, retryAfterMs: 5000 });
});

test('a vault that is slow is given up before who waits for its secret is, and read to the end for the next', async () => {
  const { read, answers, time } = vault();
  const slow = Promise.withResolvers<Made>();
  answers(() => slow.promise);
  const asked = read();
  await turn();
  time.advance(10_000);
  const message = expect.stringContaining('"vault-eu" gave no answer within 10 s') as string;
  await expect(asked).rejects.toMatchObject({ code: 'upstream_unavailable', message });
  await expect(asked).rejects.toBeInstanceOf(OwnSecretMissing);
  const material = { values: { client_secret: 'canary' }, version: '1' };
  slow.resolve({ material, expiresAtMs: time.nowMs() + HOUR_MS, handles: {} });
  await turn();
  answers(away);
  expect(await read()).toBe('canary');
});

test('another configuration of the same name is another secret, and one that is gone is none', async () => {
  const { read, stores, configure, config } = vault();
  stores({ client_secret: 'the first' });
  await read();
  stores({ client_secret: 'the second' });
  configure({ ...config(), wanted: { path: 'secret/sso-next' } });
  expect(await read()).toBe('the second');
  configure(undefined);
  await expect(read()).rejects.toMatchObject({ code: 'upstream_login_refused' });
});

test('what an earlier configuration of the name is still being read for is not served to the later one', async () => {
  const { read, answers, stores, configure, config, time } = vault();
  const slow = Promise.withResolvers<Made>();
  answers(() => slow.promise);
  const earlier = read();
  await turn();
  stores({ client_secret: 'of the later' });
  configure({ ...config(), wanted: { path: 'secret/sso-next' } });
  const later = read();
  await turn();
  slow.resolve({
    material: { values: { client_secret: 'of the earlier' }, version: '1' },
    expiresAtMs: time.nowMs() + HOUR_MS,
    handles: {},
  });
  expect(await earlier).toBe('of the earlier');
  expect(await later).toBe('of the later');
  expect(await read()).toBe('of the later');
});

test.each([{}, { client_secret: '' }, { other: 'canary' }])(
  'a secret without the value is refused: %j',
  async (values) => {
    const { read, stores } = vault();
    stores(values);
    await expect(read()).rejects.toMatchObject({
      code: 'upstream_login_refused',
      remedy: expect.stringContaining('sso-client') as string,
    });
    await expect(read('__proto__')).rejects.toMatchObject({ code: 'upstream_login_refused' });
  },
);

test('what has a lease, which nobody would end, is refused before it is made', async () => {
  const { read, answers } = vault();
  const make = vi.fn<() => void>();
  answers(async ({ keep }) => {
    await keep('{"accessor":"a"}');
    make();
    throw new Error('not reached');
  });
  await expect(read()).rejects.toMatchObject({ code: 'upstream_login_refused' });
  expect(make).not.toHaveBeenCalled();
});

test('who gives up waiting leaves the reading to the others', async () => {
  const { read, answers, time } = vault();
  const answer = Promise.withResolvers<Made>();
  answers(() => answer.promise);
  const gone = new AbortController();
  const first = read('client_secret', gone.signal);
  const second = read();
  const why = new TallystickError('stopping', 'gone');
  gone.abort(why);
  await expect(first).rejects.toBe(why);
  answer.resolve({
    material: { values: { client_secret: 'canary' }, version: '1' },
    expiresAtMs: time.nowMs() + HOUR_MS,
    handles: {},
  });
  expect(await second).toBe('canary');
});
