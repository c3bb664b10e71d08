import { channel } from 'node:diagnostics_channel';
import { withBusinessProcess } from '@tallystick/telemetry';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Identity } from '../src/identity.ts';
import type { Runtime } from '../src/internal.ts';
import { CLOSE_BATCH, LEDGER, type FakeOptions, type FakeSidecar } from './fake-sidecar.ts';
import { manualTime, type ManualTime } from './manual-time.ts';
import { next } from './next-message.ts';
import { connected, sidecar } from './setup.ts';

const held = async (identity: Identity, name = 'ledger-api'): Promise<string> =>
  (await identity.credential(name, 'access-token')).leaseId;

/** A sidecar and an identity in manual time, with the stream open. */
async function bench(
  options: FakeOptions = {},
  runtime: Partial<Runtime> = {},
): Promise<{ fake: FakeSidecar; identity: Identity; time: ManualTime }> {
  const time = manualTime();
  const fake = await sidecar({ clock: time.clock, ...options });
  const opened = next('tallystick:events:open');
  const identity = await connected(fake, { clock: time.clock, timers: time.timers, pause: async () => {}, ...runtime });
  await opened;
  return { fake, identity, time };
}

describe('what is taken away', () => {
  test('a revoked lease is not used again, and the next use asks for another', async () => {
    const { fake, identity } = await bench();
    const first = await held(identity);
    const dropped = next<{ leaseId: string; reason: string }>('tallystick:credential:dropped');
    fake.revoke(first);
    expect(await dropped).toMatchObject({ leaseId: first, reason: 'credential_revoked' });
    expect(await held(identity)).not.toBe(first);
  });

  test('a lying sidecar that serves a revoked lease again is not believed', async () => {
    const { fake, identity } = await bench();
    const first = await held(identity);
    const dropped = next('tallystick:credential:dropped');
    fake.push({ type: 'revoked', leases: [first] });
    await dropped;
    await expect(identity.credential('ledger-api', 'access-token')).rejects.toMatchObject({
      code: 'credential_revoked',
    });
  });

  test('a suspended identity loses everything at once, and has it again when it is resumed', async () => {
    const { fake, identity } = await bench();
    await held(identity);
    const dropped = next<{ reason: string }>('tallystick:credential:dropped');
    fake.setState('suspended');
    expect((await dropped).reason).toBe('identity_suspended');
    await expect(held(identity)).rejects.toMatchObject({ code: 'identity_suspended' });
    const seen = fake.seen.length;
    fake.setState('active');
    // The refusal stood for a second of a clock that stands still: only the event can have lifted it.
    await expect.poll(() => held(identity).catch(() => undefined)).toBeDefined();
    expect(fake.seen.length).toBe(seen + 1);
  });

  test('what is held and missing in the snapshot of a new stream is given up', async () => {
    const { fake, identity, time } = await bench();
    const first = await held(identity);
    fake.options.intercept = ({ path }) => {
      if (path === '/v1/events') fake.revoke(first);
      return undefined;
    };
    const lost = next('tallystick:events:lost');
    const dropped = next<{ leaseId: string }>('tallystick:credential:dropped');
    time.advance(1);
    fake.endStreams();
    await lost;
    time.advance(1000);
    expect((await dropped).leaseId).toBe(first);
  });

  test('what came while that snapshot was on its way is kept', async () => {
    const { fake, identity, time } = await bench();
    let answer = (): void => {};
    fake.options.intercept = ({ path }) =>
      path === '/v1/events' ? new Promise((resolve) => (answer = () => resolve(undefined))) : undefined;
    const lost = next('tallystick:events:lost');
    fake.endStreams();
    await lost;
    time.advance(1000);
    await expect.poll(() => fake.seen.at(-1)!.path).toBe('/v1/events');
    const lease = await held(identity);
    fake.forget(lease);
    const opened = next('tallystick:events:open');
    answer();
    await opened;
    expect(await held(identity)).toBe(lease);
    expect(fake.mints).toBe(1);
  });

  test('an entitlement that was taken away takes its credential with it; identity.entitlements follows', async () => {
    const { fake, identity } = await bench();
    await held(identity);
    fake.options.identities = [{ ...CLOSE_BATCH, credentials: [] }];
    const dropped = next<{ reason: string }>('tallystick:credential:dropped');
    fake.push({ type: 'changed' });
    expect((await dropped).reason).toBe('not_entitled');
    expect(identity.entitlements).toEqual([]);
    await expect(held(identity)).rejects.toMatchObject({ code: 'not_entitled' });
  });

  test('an entitlement for another audience: the token of the old one is not used', async () => {
    const { fake, identity } = await bench();
    await held(identity);
    fake.options.identities = [{ ...CLOSE_BATCH, credentials: [{ ...LEDGER, audience: 'https://new.acme.example' }] }];
    const dropped = next<{ reason: string }>('tallystick:credential:dropped');
    fake.push({ type: 'changed' });
    expect((await dropped).reason).toBe('changed');
    expect((await identity.credential('ledger-api', 'access-token')).audience).toBe('https://new.acme.example');
  });
});

describe('what is replaced', () => {
  test('a lease that the sidecar wants rotated is served until its successor is here', async () => {
    const { fake, identity } = await bench();
    const first = await held(identity);
    const obtained = next<{ leaseId: string }>('tallystick:credential:obtained');
    fake.rotate(first);
    const { leaseId } = await obtained;
    expect(await held(identity)).toBe(leaseId);
    expect([leaseId === first, fake.mints]).toEqual([false, 2]);
  });

  test('under a new epoch what is held is served, and asked for again within 5 s: an answer replaces it', async () => {
    const { fake, identity, time } = await bench();
    const first = await held(identity);
    const lost = next('tallystick:events:lost');
    await fake.down();
    await fake.up();
    await lost;
    const opened = next('tallystick:events:open');
    time.advance(1000);
    await opened;
    expect(await held(identity)).toBe(first);
    const obtained = next<{ leaseId: string }>('tallystick:credential:obtained');
    time.advance(5000);
    const { leaseId } = await obtained;
    expect(await held(identity)).toBe(leaseId);
    expect(fake.leases).toEqual([await held(identity)]);
  });

  test('under a new epoch a refusal drops it', async () => {
    const { fake, identity, time } = await bench();
    await held(identity);
    const lost = next('tallystick:events:lost');
    await fake.down();
    await lost;
    fake.options.intercept = ({ path }) =>
      path === '/token' ? { status: 403, body: '{"error":"access_denied","code":"not_entitled"}' } : undefined;
    await fake.up();
    const opened = next('tallystick:events:open');
    time.advance(1000);
    await opened;
    const dropped = next<{ reason: string }>('tallystick:credential:dropped');
    time.advance(5000);
    expect((await dropped).reason).toBe('not_entitled');
  });

  test('an event that this version does not know makes it ask again for all that is held', async () => {
    const { fake, identity, time } = await bench();
    const first = await held(identity);
    const asked = fake.until(() => fake.seen.filter(({ path }) => path === '/token').length === 2);
    fake.push({ type: 'quarantined', reason: 'from the future' });
    await expect.poll(() => time.pending).toBeGreaterThan(1);
    expect(await held(identity)).toBe(first);
    time.advance(5000);
    await asked;
  });
});

describe('forged events only take away', () => {
  test('one that grants is as good as one that is not known: nothing in it is used', async () => {
    const { fake, identity, time } = await bench();
    const first = await held(identity);
    const waiting = time.pending;
    fake.pushRaw('event: granted\ndata: {"seq":1,"leases":["ls_x"],"access_token":"forged"}\n\n');
    await expect.poll(() => time.pending).toBe(waiting + 1);
    expect(await held(identity)).toBe(first);
  });

  test.each([
    ['is no JSON', 'event: revoked\ndata: nonsense\n\n'],
    ['comes out of order', 'event: revoked\ndata: {"seq":99,"leases":[]}\n\n'],
    ['never ends', `event: revoked\n${'data: x\n'.repeat(800_000)}`],
  ])('one that %s ends the stream, and what is held stays', async (_, text) => {
    const { fake, identity } = await bench();
    const first = await held(identity);
    const lost = next('tallystick:events:lost');
    const before = fake.seen.length;
    fake.pushRaw(text);
    await lost;
    expect(await held(identity)).toBe(first);
    expect(fake.seen.length).toBe(before);
  });
});

describe('revocable: prompt', () => {
  test('a cached credential is not used after 60 s without a stream, and is asked for again', async () => {
    const { fake, identity, time } = await bench({ identities: [{ ...CLOSE_BATCH, revocable: 'prompt' }] });
    const first = await held(identity);
    fake.options.intercept = ({ path }) => (path === '/v1/events' ? 'destroy' : undefined);
    const lost = next('tallystick:events:lost');
    fake.endStreams();
    await lost;
    const tokens = (): number => fake.seen.filter(({ path }) => path === '/token').length;
    time.advance(60_000);
    expect(await held(identity)).toBe(first);
    expect(tokens()).toBe(1);
    time.advance(1);
    await held(identity);
    expect(tokens()).toBe(2);
  });

  test('and not at all while the sidecar is away', async () => {
    const { fake, identity, time } = await bench({ identities: [{ ...CLOSE_BATCH, revocable: 'prompt' }] });
    await held(identity);
    await fake.down();
    time.advance(60_001);
    await expect(held(identity)).rejects.toMatchObject({ code: 'sidecar_unavailable' });
  });

  test('without it, a credential serves until it expires', async () => {
    const { fake, identity, time } = await bench();
    const first = await held(identity);
    await fake.down();
    time.advance(800_000);
    expect(await held(identity)).toBe(first);
    time.advance(100_000);
    await expect(held(identity)).rejects.toMatchObject({ code: 'sidecar_unavailable' });
  });
});

describe('attribution: run', () => {
  const identities = [{ ...CLOSE_BATCH, credentials: [{ ...LEDGER, attribution: 'run' as const }] }];

  test('each run has a token of its own, kept for it', async () => {
    const { fake, identity } = await bench({ identities });
    const inRun = (runId: string): Promise<string> =>
      withBusinessProcess({ id: 'BP-1042', runId }, () => held(identity));
    const leases = [await inRun('r-1'), await inRun('r-2'), await inRun('r-1'), await held(identity)];
    expect(leases[0]).toBe(leases[2]);
    expect(new Set(leases).size).toBe(3);
    expect(fake.seen.flatMap(({ token }) => (token ? [token.context?.run] : []))).toEqual(['r-1', 'r-2', undefined]);
  });

  test('a token of a run is replaced for that run, whoever asked for the replacement', async () => {
    const { fake, identity } = await bench({ identities });
    const first = await withBusinessProcess({ id: 'BP-1042', runId: 'r-1' }, () => held(identity));
    const obtained = next('tallystick:credential:obtained');
    fake.rotate(first);
    await obtained;
    expect(fake.seen.at(-1)!.token!.context).toMatchObject({ id: 'BP-1042', run: 'r-1' });
  });

  test('runs whose token has expired are forgotten', async () => {
    const { identity, time } = await bench({ identities });
    for (let i = 0; i < 8; i++) {
      await withBusinessProcess({ id: 'BP-1042', runId: `r-${i}` }, () => held(identity));
      time.advance(900_000);
    }
    const dropped: unknown[] = [];
    const listen = (message: unknown): number => dropped.push(message);
    channel('tallystick:credential:dropped').subscribe(listen);
    onTestFinished(() => {
      channel('tallystick:credential:dropped').unsubscribe(listen);
    });
    await identity.close();
    expect(dropped.length).toBeLessThan(2);
  });
});

test('a credential that is shared is asked for with the process of whoever asked first', async () => {
  const { fake, identity } = await bench();
  await withBusinessProcess({ id: 'BP-1042', runId: 'r-1', ticket: 'CHG-9' }, () => held(identity));
  await withBusinessProcess({ id: 'BP-1042', runId: 'r-2' }, () => held(identity));
  expect(fake.seen.flatMap(({ token }) => (token ? [token.context] : []))).toEqual([
    { id: 'BP-1042', run: 'r-1', ticket: 'CHG-9' },
  ]);
});

test('release lets go of the lease, and the next use asks for another', async () => {
  const { fake, identity } = await bench();
  const credential = await identity.credential('ledger-api', 'access-token');
  await identity.release(credential);
  expect(fake.leases).toEqual([]);
  expect(await held(identity)).not.toBe(credential.leaseId);
});
