import { TallystickError } from '@tallystick/core';
import { expect, test } from 'vitest';
import { createIssueCap } from '../../src/lease/issue-cap.ts';
import { createLeaseManager, type Maker } from '../../src/lease/lease-manager.ts';
import { createLeaseTable } from '../../src/lease/lease-table.ts';
import type { LeaseKey } from '../../src/lease/lease.ts';
import { guard } from '../../src/providers/guard/guard.ts';
import type { MintOrder } from '../../src/providers/provider.ts';
import { identity, peer } from '../acme.ts';
import { simulatedTime } from '../providers/guard/simulated-time.ts';
import { testProvider, upstreamCredential } from '../providers/test-provider.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const LIFETIME_MS = 60 * MINUTE_MS;
const SERVICES = 20;
/** How often each service asks: more often than an SDK does. */
const ASKED_EVERY_MS = 30_000;

/** After an outage an upstream is asked again after so long at the latest; a call that hangs takes a part of it. */
const ASKED_AGAIN_MS = 6 * MINUTE_MS;
/** What of a lease is left when it is due at the latest: it is replaced at half of its life, extended at two thirds. */
const LEFT_MS = { replaced: 27 * MINUTE_MS, extended: 16 * MINUTE_MS };

/** A time in which an upstream does not serve. */
interface Outage {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly kind: 'away' | 'hangs' | 'limits';
}

/** What became of all that services asked for. */
interface Day {
  readonly asked: number;
  readonly expired: number;
  readonly failures: readonly { readonly atMs: number; readonly code: string }[];
  /** How often the upstream was asked for something. */
  readonly calls: number;
}

/** Runs a day of services and one upstream, through the sidecar's own lease manager and guard. */
async function liveThrough(
  outages: readonly Outage[],
  leases: keyof typeof LEFT_MS,
  uniform: () => number,
): Promise<Day> {
  const time = simulatedTime();
  const provider = testProvider(time);
  let calls = 0;
  const answer = async <T>(value: (nowMs: number) => T): Promise<T> => {
    calls++;
    await time.sleep(50 + uniform() * 200);
    const outage = outages.find(({ fromMs, untilMs }) => time.nowMs() >= fromMs && time.nowMs() < untilMs);
    switch (outage?.kind) {
      case 'away':
        throw new TallystickError('upstream_unavailable', 'away');
      case 'limits':
        throw new TallystickError('upstream_rate_limited', 'too many', { retryAfterMs: 10_000 });
      case 'hangs':
        return new Promise(() => {});
      default:
        return value(time.nowMs());
    }
  };
  provider.making = () => answer(() => ({}));
  provider.renewing = (_handle, { lifetimeMs }) => answer((nowMs) => nowMs + lifetimeMs);
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const guarded = guard(provider, {
    name: 'vault-eu',
    clock: time,
    timers: time,
    random: { uniform },
    fleetSize: () => 1,
    observe: (_call, run) => run(),
    log,
  });
  const table = createLeaseTable({ clock: time, timers: time });
  const manager = createLeaseManager({
    table,
    cap: createIssueCap({ clock: time, perMinute: 1000 }),
    clock: time,
    timers: time,
    random: { uniform, bytes: (length) => new Uint8Array(length).map(() => uniform() * 256) },
    abandoned: () => {},
  });
  const signal = new AbortController().signal;
  const failures: { atMs: number; code: string }[] = [];
  let [asked, expired] = [0, 0];

  const serve = async (name: string): Promise<void> => {
    const credential = upstreamCredential(`login-of-${name}`, { lifetimeMs: LIFETIME_MS });
    const who = identity(name);
    const key: LeaseKey = {
      identity: who.id,
      credential,
      scope: [],
      jkt: undefined,
      process: undefined,
      run: undefined,
      subject: undefined,
    };
    const maker: Maker = {
      async mint({ leaseId, issuedAt, expiresAt }) {
        const order: MintOrder = {
          leaseId,
          name: credential.name,
          wanted: {},
          scope: [],
          lifetimeMs: (expiresAt - issuedAt) * 1000,
          identity: who,
          process: undefined,
          applicant: { jkt: 'k' },
          keep: async () => {},
          signal,
        };
        await guarded.requireApplicant?.(order);
        const made = await guarded.mint(order);
        const upstream = {
          provider: guarded,
          handle: made.handle,
          renewableUntilMs: leases === 'extended' ? time.nowMs() + 6 * LIFETIME_MS : undefined,
          untilMs: made.expiresAtMs,
          keptUntilMs: made.expiresAtMs,
          intent: '1',
        };
        return { material: made.material, binding: 'none', handles: {}, upstream, expiresAtMs: made.expiresAtMs };
      },
      async renew({ id, upstream }) {
        const order = { leaseId: id, wanted: {}, lifetimeMs: LIFETIME_MS, signal };
        return (await guarded.renew!(upstream!.handle!, order)).expiresAtMs;
      },
    };
    await time.sleep(uniform() * ASKED_EVERY_MS);
    for (;;) {
      asked++;
      try {
        const obtained = await manager.obtain({ key, jkt: name, peer: peer(), notAfterMs: Infinity }, maker);
        if (!obtained || obtained.lease.revoked || time.nowMs() >= obtained.lease.expiresAtMs) expired++;
      } catch (error) {
        failures.push({ atMs: time.nowMs(), code: (error as TallystickError).code });
      }
      await time.sleep(ASKED_EVERY_MS);
    }
  };
  for (let i = 0; i < SERVICES; i++) void serve(`service-${i}`);
  await time.runUntil(DAY_MS);
  return { asked, expired, failures, calls };
}

/** Returns numbers that look random, and are the same in each run. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Returns outages of all lengths up to the longest, with time between them to be served again. */
function outagesUpTo(longestMs: number, uniform: () => number): Outage[] {
  const outages: Outage[] = [];
  for (let fromMs = 10 * MINUTE_MS; fromMs < DAY_MS;) {
    const untilMs = fromMs + uniform() * longestMs;
    outages.push({ fromMs, untilMs, kind: (['away', 'hangs', 'limits'] as const)[outages.length % 3]! });
    fromMs = untilMs + ASKED_AGAIN_MS + uniform() * 60 * MINUTE_MS;
  }
  return outages;
}

test.each([
  ['replaced', 1],
  ['replaced', 2],
  ['extended', 3],
  ['extended', 4],
] as const)(
  'a day of outages that leave time to ask again fails nobody whose leases are %s (seed %d)',
  async (leases, seed) => {
    const uniform = seeded(seed);
    const outages = outagesUpTo(LEFT_MS[leases] - ASKED_AGAIN_MS, uniform);
    const { asked, expired, failures, calls } = await liveThrough(outages, leases, uniform);
    expect(asked).toBeGreaterThan(57_000);
    expect({ expired, failures }).toEqual({ expired: 0, failures: [] });
    // Two for each lease in its time, and what the outages add.
    expect(calls).toBeLessThan(SERVICES * 24 * 4);
  },
);

test('an outage that is longer than a lease has nobody served what has expired, and all are served again soon', async () => {
  const outage: Outage = { fromMs: 60 * MINUTE_MS, untilMs: 180 * MINUTE_MS, kind: 'away' };
  const { expired, failures, calls } = await liveThrough([outage], 'replaced', seeded(5));
  expect(expired).toBe(0);
  const [first, last] = [failures[0]!.atMs, failures.at(-1)!.atMs];
  expect(first).toBeGreaterThan(outage.fromMs + LEFT_MS.replaced);
  expect(last).toBeGreaterThan(outage.untilMs - MINUTE_MS);
  expect(last).toBeLessThan(outage.untilMs + ASKED_AGAIN_MS);
  expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['upstream_unavailable']));
  expect(calls).toBeLessThan(SERVICES * 24 * 3);
});
