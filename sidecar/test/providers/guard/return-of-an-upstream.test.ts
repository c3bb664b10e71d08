import { backoffMs, TallystickError } from '@tallystick/core';
import { expect, test } from 'vitest';
import { guard, type GuardedProvider } from '../../../src/providers/guard/guard.ts';
import type { Made, MintOrder, Provider } from '../../../src/providers/provider.ts';
import { identity } from '../../acme.ts';
import { simulatedTime, type SimulatedTime } from './simulated-time.ts';

/** A Vault as a model: so many requests a second, 429 with `Retry-After` beyond, away for a while. */
function modelVault(time: SimulatedTime, options: { perSecond: number; answersMs: number }) {
  const { perSecond, answersMs } = options;
  const arrivals = new Map<number, number>();
  const refused = new Map<number, number>();
  let served = 0;
  let isAway = false;
  const count = (counts: Map<number, number>): number => {
    const second = Math.floor(time.nowMs() / 1000);
    const now = (counts.get(second) ?? 0) + 1;
    counts.set(second, now);
    return now;
  };
  const made: Made = { material: { username: 'u', password: 'p' }, expiresAtMs: Infinity, handles: {} };
  const provider: Provider = {
    async mint() {
      const nth = count(arrivals);
      await time.sleep(answersMs);
      if (isAway) throw new TallystickError('upstream_unavailable', 'away');
      if (nth > perSecond) {
        count(refused);
        throw new TallystickError('upstream_rate_limited', 'too many', { retryAfterMs: 1000 });
      }
      served++;
      return made;
    },
    check: async () => [],
    close: async () => {},
  };
  /** The most requests that came in one second of a time. */
  const peak = (fromMs: number, toMs: number): number =>
    Math.max(0, ...Array.from(arrivals, ([second, n]) => (second * 1000 >= fromMs && second * 1000 < toMs ? n : 0)));
  return {
    provider,
    peak,
    served: () => served,
    refusals: () => [...refused.values()].reduce((sum, n) => sum + n, 0),
    be: (state: 'away' | 'back') => (isAway = state === 'away'),
  };
}

/** Returns numbers that look random, and are the same in each run. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function sidecar(time: SimulatedTime, provider: Provider, uniform: () => number, fleetSize: number): GuardedProvider {
  return guard(provider, {
    name: 'vault-eu',
    clock: time,
    timers: time,
    random: { uniform },
    fleetSize: () => fleetSize,
    observe: (_call, run) => run(),
    log: SILENT,
  });
}

const nothing = (): void => {};
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const SIGNAL = new AbortController().signal;
const order = (name: string): MintOrder => ({
  leaseId: 'ls_1',
  name,
  wanted: {},
  scope: [],
  lifetimeMs: 3_600_000,
  identity: WHO,
  process: undefined,
  applicant: { jkt: 'k' },
  keep: async () => {},
  signal: SIGNAL,
});
const WHO = identity('close-batch');

/** Asks until it has one, as an SDK does: by its own backoff, and not before it may. */
async function obtain(
  time: SimulatedTime,
  from: GuardedProvider,
  name: string,
  uniform: () => number,
): Promise<number> {
  for (let attempt = 0; ; attempt++) {
    try {
      await from.mint(order(name));
      return time.nowMs();
    } catch (error) {
      const { retryAfterMs = 0 } = error as TallystickError;
      await time.sleep(Math.max(backoffMs(attempt, uniform()), retryAfterMs));
    }
  }
}

test('5,000 sidecars that waited for one Vault of 300 requests a second do not stampede it, and all get what they need', async () => {
  const time = simulatedTime();
  const uniform = seeded(5);
  const vault = modelVault(time, { perSecond: 300, answersMs: 20 });
  vault.be('away');
  const gotAtMs: Promise<number>[] = [];
  // Each needs three credentials in the first minute of an outage of three.
  for (let i = 0; i < 5000; i++) {
    const own = sidecar(time, vault.provider, uniform, 5000);
    for (let n = 0; n < 3; n++) {
      const name = `credential-${n}`;
      gotAtMs.push(time.sleep(uniform() * 60_000).then(() => obtain(time, own, name, uniform)));
    }
  }
  const backMs = 180_000;
  await time.runUntil(backMs);
  expect(vault.served()).toBe(0);
  // While it is away: each probes by itself, and all together stay below what it bears.
  expect(vault.peak(90_000, backMs)).toBeLessThanOrEqual(150);
  vault.be('back');
  await time.runUntil(backMs + 900_000);
  expect(vault.served()).toBe(15_000);
  expect(vault.peak(backMs, Infinity)).toBeLessThanOrEqual(250);
  expect(vault.refusals()).toBe(0);
  const waitedMs = (await Promise.all(gotAtMs)).map((ms) => ms - backMs).toSorted((a, b) => a - b);
  // Half of them within two minutes, all within ten: below the outage that a lease of an hour bears.
  expect(waitedMs[7500]).toBeLessThan(120_000);
  expect(waitedMs.at(-1)).toBeLessThan(600_000);
}, 60_000);

test('5,000 sidecars that a Vault of 100 requests a second turns away leave it alone, and all get what they need', async () => {
  const time = simulatedTime();
  const uniform = seeded(7);
  const vault = modelVault(time, { perSecond: 100, answersMs: 20 });
  const got: Promise<number>[] = [];
  for (let i = 0; i < 5000; i++) {
    got.push(obtain(time, sidecar(time, vault.provider, uniform, 5000), 'credential', uniform));
  }
  // All ask in the first second, before anybody knows; then never more than it bears.
  await time.runUntil(3_600_000);
  expect([vault.served(), vault.peak(0, 1000)]).toEqual([5000, 5000]);
  expect(vault.peak(1000, Infinity)).toBeLessThanOrEqual(100);
  expect(Math.max(...(await Promise.all(got)))).toBeLessThan(200_000);
}, 60_000);

test('1,000 leases of one sidecar that end in the same second are made anew sixteen at a time, and none fails', async () => {
  const time = simulatedTime();
  const vault = modelVault(time, { perSecond: 400, answersMs: 50 });
  const own = sidecar(time, vault.provider, seeded(1), 1);
  const made = Promise.all(Array.from({ length: 1000 }, (_, i) => own.mint(order(`credential-${i}`))));
  await time.runUntil(20_000);
  await made;
  expect([vault.served(), vault.refusals()]).toEqual([1000, 0]);
  expect(vault.peak(0, Infinity)).toBeLessThanOrEqual(16 * 20);
});
