import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TallystickError } from '@tallystick/core';
import { currentIdentity } from '@tallystick/telemetry';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connect, type ConnectOptions } from '../src/index.ts';
import { connectWith, type Runtime } from '../src/internal.ts';
import { CLOSE_BATCH, type FakeSidecar } from './fake-sidecar.ts';
import { manualTime } from './manual-time.ts';
import { connected, sidecar } from './setup.ts';

const OTHER = { ...CLOSE_BATCH, id: 'spiffe://acme.example/payments/other' };
const code = (expected: string) => expect.objectContaining({ code: expected });

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ts-connect-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('an identity is who the sidecar says we are, and telemetry is told', async () => {
  const fake = await sidecar();
  const identity = await connected(fake);
  expect(identity).toMatchObject({ id: CLOSE_BATCH.id, owner: 'team-payments', environment: 'test' });
  expect(identity.entitlements).toEqual(CLOSE_BATCH.credentials);
  expect(currentIdentity()).toMatchObject({
    id: CLOSE_BATCH.id,
    trustDomain: 'acme.example',
    owner: CLOSE_BATCH.owner,
  });
  await identity.close();
  expect(currentIdentity()).toBeUndefined();
});

test.each([
  ['"Identity" is not an option; did you mean "identity"?', { Identity: OTHER.id }],
  ['"sockt" is not an option; did you mean "socket"?', { sockt: 'unix:///run/other.sock' }],
  ['"audience" is not an option; there are socket, identity,', { audience: 'x' }],
])('an option that nobody reads is refused before anything is asked: %s', async (words, options) => {
  const fake = await sidecar();
  await expect(connected(fake, {}, options as ConnectOptions)).rejects.toMatchObject({
    code: 'invalid_request',
    description: expect.stringContaining(words) as string,
  });
  expect(fake.seen).toEqual([]);
});

describe('which identity', () => {
  test('one of several must be named; the error says how', async () => {
    const fake = await sidecar({ identities: [CLOSE_BATCH, OTHER] });
    await expect(connected(fake)).rejects.toThrow(/^identity_ambiguous: .*connect\({ identity }\)/);
    expect((await connected(fake, {}, { identity: OTHER.id })).id).toBe(OTHER.id);
  });

  test('one that this workload has not is refused, at once', async () => {
    const fake = await sidecar();
    await expect(connected(fake, {}, { identity: OTHER.id })).rejects.toEqual(code('identity_mismatch'));
  });

  test('a lying sidecar that is another than connect({ identity }) asked for is refused', async () => {
    const fake = await sidecar({
      tamper: (path, body) => (path === '/v1/identity' ? { ...body, id: OTHER.id } : body),
    });
    await expect(connected(fake, {}, { identity: CLOSE_BATCH.id })).rejects.toEqual(code('identity_mismatch'));
  });

  test('a workload that no identity matches is told so, at once', async () => {
    const fake = await sidecar({ identities: [] });
    await expect(connected(fake)).rejects.toEqual(code('identity_unknown'));
  });

  test('a name that is no SPIFFE ID is refused before anything is asked', async () => {
    await expect(connect({ socket: '/nowhere', identity: 'close-batch' })).rejects.toEqual(code('invalid_spiffe_id'));
  });
});

describe('a sidecar that is not there yet', () => {
  test('is waited for, and found as soon as it listens', async () => {
    const path = join(folder(), 'api.sock');
    const time = manualTime();
    let pauses = 0;
    let fake: FakeSidecar | undefined;
    const waiting = connectWith({ ...time, pause: async () => void pauses++ }, { socket: path });
    await expect.poll(() => time.pending).toBe(1);
    fake = await sidecar({}, path);
    time.advance(2000);
    const identity = await waiting;
    expect([identity.id, pauses]).toEqual([CLOSE_BATCH.id, 1]);
    await identity.close();
    expect(fake.streams).toBeLessThanOrEqual(1);
  });

  test('is given up after startupTimeoutMs, with waits that have jitter and do not exceed 2 s', async () => {
    const time = manualTime();
    const { clock, timers } = time;
    const waits: number[] = [];
    const recording: Runtime['timers'] = { after: (ms, callback) => (waits.push(ms), timers.after(ms, callback)) };
    const startedMs = clock.monotonicMs();
    let ended: unknown;
    const runtime = { clock, timers: recording, pause: async () => {} };
    void connectWith(runtime, { socket: join(folder(), 'no.sock') }).catch((error: unknown) => (ended = error));
    while (!ended) {
      await new Promise((resolve) => setImmediate(resolve));
      // Nothing waits while a key is made: that is real work, and time stands still for it.
      if (time.pending > 0) time.advance(10);
    }
    expect(ended).toMatchObject({ code: 'sidecar_unavailable', retryable: true });
    expect(clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(30_000);
    expect(clock.monotonicMs() - startedMs).toBeLessThan(31_000);
    const between = waits.filter((ms) => ms <= 2000);
    expect(between.length).toBeGreaterThan(14);
    expect(new Set(between).size).toBeGreaterThan(5);
  });

  test('a signal ends the wait with its reason, and leaves nothing behind', async () => {
    const holders: Runtime['holders'] = new Map();
    const path = join(folder(), 'api.sock');
    const reason = new Error('enough');
    const controller = new AbortController();
    const waiting = connectWith({ holders }, { socket: path, signal: controller.signal });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect.poll(() => holders.size).toBe(0);
    await expect(connect({ socket: path, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test('one that is stopping is waited for; one that refuses is not', async () => {
    const fake = await sidecar();
    let times = 0;
    fake.options.intercept = ({ path }) =>
      path === '/v1/identity' && times++ < 2 ? new TallystickError('stopping', 'restarting') : undefined;
    const time = manualTime();
    const waiting = connected(fake, { clock: time.clock, timers: time.timers });
    while (times < 3) {
      await new Promise((resolve) => setImmediate(resolve));
      time.advance(10);
    }
    expect((await waiting).id).toBe(CLOSE_BATCH.id);
  });

  test('the first of the usual places that has a socket is taken', async () => {
    const root = folder();
    const fake = await sidecar();
    const environment = { XDG_RUNTIME_DIR: root };
    await expect(connectWith({ env: environment, pause: async () => {} }, { startupTimeoutMs: 0 })).rejects.toThrow(
      `${root}/tallystick`,
    );
    const identity = await connectWith({ env: { ...environment, TALLYSTICK_SOCKET: `unix://${fake.socketPath}` } });
    expect(identity.id).toBe(CLOSE_BATCH.id);
    await identity.close();
  });
});

describe('a socket that cannot be right', () => {
  test('a file in its place is refused at once', async () => {
    const path = join(folder(), 'api.sock');
    writeFileSync(path, '');
    await expect(connect({ socket: path })).rejects.toEqual(code('socket_untrusted'));
  });

  test('a path that is too long, a relative one, and Windows', async () => {
    await expect(connect({ socket: `/${'a'.repeat(200)}` })).rejects.toEqual(code('socket_path_invalid'));
    await expect(connect({ socket: 'api.sock' })).rejects.toEqual(code('socket_path_invalid'));
    await expect(connectWith({ platform: 'win32' })).rejects.toEqual(code('platform_unsupported'));
  });
});

describe('one holder for each thread, socket and identity', () => {
  const keys = (fake: FakeSidecar): number =>
    new Set(fake.seen.flatMap(({ proof, path }) => (path === '/token' ? [proof!.jkt] : []))).size;
  const share = async (fake: FakeSidecar, holders: Runtime['holders'], identity?: string) => {
    const made = await connected(fake, { holders }, identity === undefined ? {} : { identity });
    await made.credential('ledger-api', 'access-token');
    return made;
  };

  test.each([
    [undefined, undefined],
    [CLOSE_BATCH.id, CLOSE_BATCH.id],
    [CLOSE_BATCH.id, undefined],
    [undefined, CLOSE_BATCH.id],
  ])('asked for as %s and as %s: one key, one mint', async (first, second) => {
    const fake = await sidecar();
    const holders: Runtime['holders'] = new Map();
    await share(fake, holders, first);
    await share(fake, holders, second);
    expect([keys(fake), fake.mints]).toEqual([1, 1]);
  });

  test('a thousand concurrent connect() and first calls make one key and one mint', async () => {
    const fake = await sidecar();
    const holders: Runtime['holders'] = new Map();
    const identities = await Promise.all(
      Array.from({ length: 1000 }, () => connectWith({ holders }, { socket: fake.socketPath })),
    );
    await Promise.all(identities.map((identity) => identity.credential('ledger-api', 'access-token')));
    expect([keys(fake), fake.mints]).toEqual([1, 1]);
    await Promise.all(identities.map((identity) => identity.close()));
  });

  test('another identity has another key', async () => {
    const fake = await sidecar({ identities: [CLOSE_BATCH, OTHER] });
    const holders: Runtime['holders'] = new Map();
    await share(fake, holders, CLOSE_BATCH.id);
    await share(fake, holders, OTHER.id);
    expect([keys(fake), fake.mints]).toEqual([2, 2]);
  });

  test('the last to close lets go of all leases and is forgotten; connect() then makes another key', async () => {
    const fake = await sidecar();
    const holders: Runtime['holders'] = new Map();
    const first = await share(fake, holders);
    const second = await share(fake, holders);
    await first.close();
    await first.close();
    expect(fake.leases).toHaveLength(1);
    await second.credential('ledger-api', 'access-token');
    await second.close();
    expect([fake.leases, holders.size]).toEqual([[], 0]);
    await share(fake, holders);
    expect(keys(fake)).toBe(2);
  });

  test('connecting while the last one closes gives a holder that works', async () => {
    const fake = await sidecar();
    const holders: Runtime['holders'] = new Map();
    const first = await share(fake, holders);
    const [, second] = await Promise.all([first.close(), connectWith({ holders }, { socket: fake.socketPath })]);
    await second.credential('ledger-api', 'access-token');
    await second.close();
  });

  test('the shared ones of connect() lie under a global symbol, for another copy of the SDK to find', async () => {
    const fake = await sidecar();
    const identity = await connect({ socket: fake.socketPath });
    const shared = (globalThis as Record<symbol, unknown>)[Symbol.for('tallystick.sdk.holders.3')] as Map<
      string,
      unknown
    >;
    expect([...shared.keys()]).toContain(`${fake.socketPath} ${CLOSE_BATCH.id}`);
    await identity.close();
    expect(shared.size).toBe(0);
  });
});

describe('after close()', () => {
  test('everything is refused with identity_closed, and close() resolves again', async () => {
    const fake = await sidecar();
    const identity = await connected(fake);
    await identity.credential('ledger-api', 'access-token');
    const credential = await identity.credential('ledger-api', 'access-token');
    await identity.close();
    await expect(identity.fetch('https://ledger.acme.example/')).rejects.toEqual(code('identity_closed'));
    await expect(identity.fetchWith('ledger-api')('https://ledger.acme.example/')).rejects.toEqual(
      code('identity_closed'),
    );
    await expect(identity.credential('ledger-api', 'access-token')).rejects.toEqual(code('identity_closed'));
    await expect(identity.authorize({ method: 'GET', url: 'https://ledger.acme.example/' })).rejects.toEqual(
      code('identity_closed'),
    );
    await expect(identity.release(credential)).rejects.toEqual(code('identity_closed'));
    await expect(identity.watch('ledger-api', 'access-token')[Symbol.asyncIterator]().next()).rejects.toEqual(
      code('identity_closed'),
    );
    await identity.close();
  });

  test('a sidecar that is away or hangs does not hold it up', async () => {
    const fake = await sidecar();
    const identity = await connected(fake, { pause: async () => {} });
    await identity.credential('ledger-api', 'access-token');
    fake.options.intercept = () => 'hang';
    await identity.close();
  });

  test('await using closes it', async () => {
    const fake = await sidecar();
    {
      await using identity = await connectWith({}, { socket: fake.socketPath });
      await identity.credential('ledger-api', 'access-token');
    }
    expect(fake.leases).toEqual([]);
  });
});

test('what is asked for must be what the entitlement is', async () => {
  const fake = await sidecar({
    identities: [
      {
        ...CLOSE_BATCH,
        credentials: [...CLOSE_BATCH.credentials, { ...CLOSE_BATCH.credentials[0]!, name: 'db', type: 'database' }],
      },
    ],
  });
  const identity = await connected(fake);
  await expect(identity.credential('ledger-api', 'aws')).rejects.toEqual(code('credential_type_mismatch'));
  await expect(identity.credential('unknown', 'access-token')).rejects.toEqual(code('not_entitled'));
  expect(fake.mints).toBe(0);
});

test('a signal that aborts ends the wait for a credential, and not the request that others wait for', async () => {
  const fake = await sidecar();
  const identity = await connected(fake);
  let release = (): void => {};
  fake.options.intercept = ({ path }) =>
    path === '/token' ? new Promise((resolve) => (release = () => resolve(undefined))) : undefined;
  const controller = new AbortController();
  const impatient = identity.credential('ledger-api', 'access-token', { signal: controller.signal });
  const patient = identity.credential('ledger-api', 'access-token');
  await expect.poll(() => fake.seen.at(-1)!.path).toBe('/token');
  controller.abort(new Error('enough'));
  await expect(impatient).rejects.toThrow('enough');
  release();
  expect((await patient).name).toBe('ledger-api');
});
