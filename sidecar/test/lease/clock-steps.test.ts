import { describe, expect, test } from 'vitest';
import type { Minted } from '../../src/lease/lease-manager.ts';
import { testProvider } from '../providers/test-provider.ts';
import { leases } from './leases.ts';

const HOUR = 3_600_000;
const SHARED = { jkt: undefined };

/** What an upstream has made, for an hour from now. */
function made(time: { nowMs(): number }): Pick<Minted, 'expiresAtMs' | 'upstream'> {
  const untilMs = time.nowMs() + HOUR;
  const provider = testProvider(time);
  const upstream = {
    provider,
    handle: 'h',
    renewableUntilMs: untilMs + 9 * HOUR,
    untilMs,
    keptUntilMs: 0,
    intent: 'r',
  };
  return { expiresAtMs: untilMs, upstream };
}

describe('when the clock is set back', () => {
  test('a lease is not served for longer than it had', async () => {
    const { time, ask, mints } = leases();
    const asked = ask('key-1', SHARED);
    mints[0]!.succeed(made(time));
    const { lease } = (await asked)!;
    time.advance(HOUR / 2);
    time.jump(-HOUR / 4);
    expect(await ask('key-1', SHARED)).toMatchObject({ lease });
    time.advance(HOUR / 2);
    expect(time.nowMs()).toBeLessThan(lease.expiresAtMs);
    const late = ask('key-1', SHARED);
    mints[1]!.succeed(made(time));
    expect((await late)!.lease).not.toBe(lease);
  });

  test('nor one that was extended, for longer than that was', async () => {
    const { time, ask, mints } = leases();
    const asked = ask('key-1', SHARED);
    const first = made(time);
    const provider = testProvider(time);
    provider.renewing = async () => time.nowMs() + HOUR;
    mints[0]!.succeed({ ...first, upstream: { ...first.upstream!, provider } });
    const { lease } = (await asked)!;
    time.advance(lease.rotateAtMs - time.nowMs());
    expect(await ask('key-1', SHARED)).toMatchObject({ lease });
    time.jump(-HOUR / 4);
    expect(await ask('key-1', SHARED)).toMatchObject({ lease });
    provider.renewing = () => Promise.reject(new Error('away'));
    time.advance(HOUR);
    expect(time.nowMs()).toBeLessThan(lease.expiresAtMs);
    const late = ask('key-1', SHARED);
    await new Promise(setImmediate);
    mints[1]!.succeed(made(time));
    expect((await late)!.lease).not.toBe(lease);
  });

  test('while one is being made, that one is thrown away: its times are not those of this clock', async () => {
    const { time, ask, mints, abandoned } = leases();
    const asked = ask('key-1', SHARED);
    time.jump(-2 * HOUR);
    mints[0]!.succeed(made(time));
    expect(await asked).toBeUndefined();
    expect(abandoned).toHaveLength(1);
  });
});
