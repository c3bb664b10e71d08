import { channel } from 'node:diagnostics_channel';
import { TallystickError } from '@tallystick/core';
import { withBusinessProcess } from '@tallystick/telemetry';
import { Agent, request } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import type { Identity } from '../src/identity.ts';
import { connectWith } from '../src/internal.ts';
import type { FakeApi } from './fake-api.ts';
import { CLOSE_BATCH, LEDGER, sealedCredential, type FakeOptions, type FakeSidecar } from './fake-sidecar.ts';
import { manualTime, type ManualTime } from './manual-time.ts';
import { next } from './next-message.ts';
import { api, connected, sidecar } from './setup.ts';

const RUN = { id: 'BP-1042', runId: '2026-11', ticket: 'CHG-1' };
const HEAD = `acme.example/s/1/1\n9\n${'a'.repeat(43)}=\n\n— acme.example/s/1/1 aaaaaaaa\n`;

interface Bench {
  readonly fake: FakeSidecar;
  readonly server: FakeApi;
  readonly identity: Identity;
  readonly time: ManualTime;
  /** Lets the timer of reports fire, and waits until so many reports have come in all. */
  reported(count: number): Promise<void>;
}

/** The clock is that of the tokens too: it stands at the real time. */
async function bench(options: FakeOptions = {}): Promise<Bench> {
  const time = manualTime(Date.now());
  const fake = await sidecar({ clock: time.clock, ...options });
  const server = await api(fake);
  const identity = await connected(fake, { clock: time.clock, timers: time.timers });
  return {
    fake,
    server,
    identity,
    time,
    async reported(count) {
      await expect.poll(() => (time.advance(33_000), fake.reports.length)).toBeGreaterThanOrEqual(count);
    },
  };
}

/** Refuses the first reports that come, each with the next of these. */
function refuse(fake: FakeSidecar, ...errors: (TallystickError | 'destroy')[]): void {
  fake.options.intercept = ({ path }) => (path === '/v1/usage' ? errors.shift() : undefined);
}

test('the uses of fetch, fetchWith, the interceptor and authorize are reported together, by lease, target and business process', async () => {
  const { fake, server, identity, time, reported } = await bench();
  await identity.fetch(`${server.origin}/journal?secret=1`);
  await withBusinessProcess(RUN, () => identity.fetch(`${server.origin}/journal`));
  time.advance(1000);
  await identity.fetchWith('ledger-api')(`${server.origin}/other`);
  const agent = new Agent().compose(identity.interceptor());
  await (await request(`${server.origin}/y`, { dispatcher: agent })).body.dump();
  await agent.close();
  await identity.authorize({ method: 'GET', url: `${server.origin}/x` });
  expect(fake.reports).toEqual([]);
  await reported(1);
  const [lease] = fake.leases;
  expect(fake.reports[0]).toMatchObject({
    report: 0,
    final: false,
    tokens: [],
    uses: [
      { leaseId: lease, count: 4, target: server.origin, process: null },
      { leaseId: lease, count: 1, target: server.origin, process: { id: 'BP-1042', run: '2026-11', ticket: 'CHG-1' } },
    ],
  });
  const { first, last } = fake.reports[0]!.uses[0]!;
  expect(last.getTime() - first.getTime()).toBe(1000);
});

test('no call waits for a report: one that hangs holds up nothing', async () => {
  const { fake, server, identity, reported } = await bench();
  await identity.fetch(server.origin);
  let hangs = true;
  fake.options.intercept = ({ path }) => (hangs && path === '/v1/usage' ? 'hang' : undefined);
  await reported(1);
  expect((await identity.fetch(server.origin)).status).toBe(200);
  hangs = false;
  await fake.down();
});

test('what nobody did is not reported, and no timer waits to', async () => {
  const { fake, identity, time } = await bench();
  const idle = time.pending;
  await identity.credential('ledger-api', 'access-token');
  expect(time.pending).toBe(idle);
  await identity.close();
  expect(fake.reports).toMatchObject([{ report: 0, final: true, uses: [] }]);
});

test('who was never given a token has nothing to close', async () => {
  const { fake, identity } = await bench();
  await identity.close();
  expect(fake.reports).toEqual([]);
});

test('all who share a holder report once, and the last close is final, before leases are let go of', async () => {
  const fake = await sidecar();
  const server = await api(fake);
  const holders = new Map();
  const [one, two] = await Promise.all([
    connectWith({ holders }, { socket: fake.socketPath }),
    connectWith({ holders }, { socket: fake.socketPath }),
  ]);
  await one.fetch(server.origin);
  await two.fetch(server.origin);
  await one.close();
  expect(fake.reports).toEqual([]);
  await two.close();
  expect(fake.reports).toMatchObject([{ report: 0, final: true, uses: [{ count: 2 }] }]);
  const order = fake.seen.map(({ method, path }) => `${method} ${path.replace(/ls_.*/, '')}`);
  expect(order.slice(-2)).toEqual(['POST /v1/usage', 'DELETE /v1/leases/']);
});

test('a report that failed is sent again as the same, and what came meanwhile goes into the next', async () => {
  const { fake, server, identity, reported } = await bench();
  await identity.fetch(server.origin);
  refuse(fake, new TallystickError('record_unavailable', 'the disk is full'), 'destroy', 'destroy');
  await reported(1);
  await identity.fetch(server.origin);
  await reported(4);
  await expect.poll(() => fake.reports.length).toBe(5);
  expect(fake.reports.map(({ report, uses }) => [report, uses[0]!.count])).toEqual([
    [0, 1],
    [0, 1],
    [0, 1],
    [0, 1],
    [1, 1],
  ]);
});

test('Retry-After is heeded, whatever else would have a report made', async () => {
  const { fake, server, identity, time } = await bench();
  await identity.fetch(server.origin);
  refuse(fake, new TallystickError('rate_limited', 'too often', { retryAfterMs: 120_000 }));
  time.advance(33_000);
  await expect.poll(() => fake.reports.length).toBe(1);
  await new Promise((resolve) => setImmediate(resolve));
  const held = await identity.credential('ledger-api', 'access-token');
  await identity.release(held);
  time.advance(100_000);
  await identity.credential('ledger-api', 'access-token');
  expect(fake.reports).toHaveLength(1);
  await expect.poll(() => (time.advance(30_000), fake.reports.length)).toBe(2);
});

test('leases that the sidecar does not know are proven by their tokens', async () => {
  const { fake, server, identity, reported } = await bench();
  await identity.fetch(server.origin);
  const { token, leaseId } = await identity.credential('ledger-api', 'access-token');
  refuse(fake, new TallystickError('lease_unknown', 'not of this run'));
  await reported(2);
  expect(fake.reports).toMatchObject([
    { report: 0, tokens: [], uses: [{ leaseId }] },
    { report: 0, tokens: [token.reveal()], uses: [{ leaseId }] },
  ]);
});

test('a foreign token proves no lease, and a lease that it cannot prove takes no other use with it', async () => {
  const htu = 'https://sso.other.example/token';
  const use = ['https://erp.other.example/'];
  const credentials = [LEDGER, sealedCredential('erp', 'access-token', { use, binding: 'dpop' })];
  const time = manualTime(Date.now());
  const fake = await sidecar({
    clock: time.clock,
    identities: [{ ...CLOSE_BATCH, credentials }],
    making: ({ request: { upstreamProof } }) =>
      upstreamProof
        ? { material: { token: 'canary-foreign', audience: '', scope: '' }, binding: 'dpop' }
        : { ask: { htm: 'POST', htu, nonce: undefined, challenge: 'c' } },
  });
  const identity = await connected(fake, time, { authorizationServers: [htu] });
  await identity.authorize({ method: 'GET', url: 'https://ledger.acme.example/' });
  await identity.authorize({ method: 'GET', url: 'https://erp.other.example/' });
  const own = await identity.credential('ledger-api', 'access-token');
  const foreign = await identity.credential('erp', 'access-token');
  const unknown = new TallystickError('lease_unknown', 'not of this run');
  refuse(fake, unknown, unknown);
  await expect.poll(() => (time.advance(33_000), fake.reports.length)).toBe(3);
  const uses = [{ leaseId: own.leaseId }, { leaseId: foreign.leaseId }];
  const tokens = [own.token.reveal()];
  expect(fake.reports).toMatchObject([
    { report: 0, tokens: [], uses },
    { report: 0, tokens, uses },
    { report: 0, tokens, uses: [uses[0]] },
  ]);
  expect(JSON.stringify(fake.reports)).not.toContain('canary');
});

test('what is refused for good leaves a gap in the numbers, and is said on a channel', async () => {
  const { fake, server, identity, reported } = await bench();
  const lost: unknown[] = [];
  const listen = (message: unknown): void => void lost.push(message);
  channel('tallystick:usage:lost').subscribe(listen);
  onTestFinished(() => {
    channel('tallystick:usage:lost').unsubscribe(listen);
  });
  await identity.fetch(server.origin);
  refuse(fake, new TallystickError('invalid_request', 'no'));
  await reported(1);
  await expect.poll(() => lost).toMatchObject([{ report: 0, error: { code: 'invalid_request' } }]);
  await identity.fetch(server.origin);
  await reported(2);
  expect(fake.reports[1]).toMatchObject({ report: 1, uses: [{ count: 1 }] });
});

test('a sidecar of an older version is not asked again, until it was started anew', async () => {
  const { fake, server, identity, time, reported } = await bench();
  await identity.fetch(server.origin);
  refuse(fake, new TallystickError('route_unknown', 'there is no such route'));
  await reported(1);
  await new Promise((resolve) => setImmediate(resolve));
  const idle = time.pending;
  await identity.fetch(server.origin);
  expect(time.pending).toBe(idle);

  await fake.down();
  await fake.up();
  const opened = next('tallystick:events:open');
  await expect.poll(() => (time.advance(1000), fake.streams)).toBe(1);
  await opened;
  await identity.fetch(server.origin);
  await reported(2);
  expect(fake.reports[1]).toMatchObject({ uses: [{ count: 1 }] });
});

test('the end of a lease is a reason to report at once', async () => {
  const { fake, server, identity } = await bench();
  await identity.fetch(server.origin);
  fake.revoke(...fake.leases);
  await expect.poll(() => fake.reports).toMatchObject([{ report: 0, uses: [{ count: 1 }] }]);
});

test('the newest head of the log is shown again with the next token request and report', async () => {
  const { fake, server, identity, reported } = await bench({ logHead: HEAD });
  await identity.fetch(server.origin);
  await identity.release(await identity.credential('ledger-api', 'access-token'));
  await identity.fetch(server.origin);
  await reported(1);
  expect(fake.seen.flatMap(({ token }) => (token ? [token.logHead] : []))).toEqual([undefined, HEAD]);
  expect(new Set(fake.reports.map(({ logHead }) => logHead))).toEqual(new Set([HEAD]));
});

test('an answer without a head, or with something else in its place, takes nothing from what is known', async () => {
  const { fake, server, identity } = await bench({ logHead: HEAD });
  await identity.fetch(server.origin);
  fake.options.logHead = 'no head';
  for (let i = 0; i < 2; i++) {
    await identity.release(await identity.credential('ledger-api', 'access-token'));
    await identity.fetch(server.origin);
  }
  expect(fake.seen.flatMap(({ token }) => (token ? [token.logHead] : []))).toEqual([undefined, HEAD, HEAD]);
});
