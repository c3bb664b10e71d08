import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createBreaker, FAILURES_TO_OPEN, type BreakerState } from '../../../src/providers/guard/breaker.ts';
import { manualTime } from '../../manual-time.ts';

function breakers({ fleetSize = 1, uniform = () => 0.5 }: { fleetSize?: number; uniform?: () => number } = {}) {
  const time = manualTime();
  const changes: BreakerState[] = [];
  const breaker = createBreaker({
    clock: time,
    random: { uniform },
    fleetSize: () => fleetSize,
    changed: (state) => changes.push(state),
  });
  const fail = (times: number, retryAfterMs?: number): void => {
    for (let i = 0; i < times; i++) breaker.admit()!.troubled(retryAfterMs);
  };
  /** Lets the time pass after which one may try. */
  const untilProbe = (): number => {
    const ms = breaker.refusesMs()!;
    time.advance(ms);
    return ms;
  };
  return { time, breaker, changes, fail, untilProbe };
}

describe('a breaker opens', () => {
  test('after so many failures in a row, and after none that an answer interrupts', () => {
    const { breaker, fail, changes } = breakers();
    fail(FAILURES_TO_OPEN - 1);
    breaker.admit()!.answered();
    fail(FAILURES_TO_OPEN - 1);
    expect([breaker.state, breaker.refusesMs()]).toEqual(['closed', undefined]);
    fail(1);
    expect(breaker.state).toBe('open');
    expect(breaker.admit()).toBeUndefined();
    expect(changes).toEqual(['open']);
  });

  test('at once where the upstream says how long it wants to be left alone, and for that long at least', () => {
    const { breaker, fail, time } = breakers({ uniform: () => 0 });
    fail(1, 30_000);
    expect(breaker.refusesMs()).toBe(30_000);
    time.advance(29_999);
    expect(breaker.admit()).toBeUndefined();
    time.advance(1);
    expect(breaker.admit()).toBeDefined();
  });
});

describe('a breaker that is open', () => {
  test('lets one call probe, and no other beside it', () => {
    const { breaker, fail, untilProbe } = breakers();
    fail(FAILURES_TO_OPEN);
    untilProbe();
    const probe = breaker.admit();
    expect([breaker.state, breaker.admit(), breaker.refusesMs()]).toEqual(['half-open', undefined, 1000]);
    probe!.answered();
    expect([breaker.state, breaker.refusesMs()]).toEqual(['closed', undefined]);
  });

  test('waits longer after each probe that failed, up to five minutes, and begins anew when one went well', () => {
    const { breaker, fail, untilProbe } = breakers({ uniform: () => 0.999 });
    fail(FAILURES_TO_OPEN);
    const waits = Array.from({ length: 12 }, () => {
      const ms = untilProbe();
      breaker.admit()!.troubled(undefined);
      return Math.round(ms / 1000);
    });
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    untilProbe();
    breaker.admit()!.answered();
    fail(FAILURES_TO_OPEN);
    expect(breaker.refusesMs()).toBeLessThan(1100);
  });

  test('lets another probe where one was cut off', () => {
    const { breaker, fail, untilProbe } = breakers();
    fail(FAILURES_TO_OPEN);
    untilProbe();
    breaker.admit()!.abandoned();
    expect(breaker.state).toBe('open');
    expect(breaker.admit()).toBeDefined();
  });

  test('is not moved by calls that began before it opened', () => {
    const { breaker, fail, untilProbe } = breakers();
    const [slow, slower] = [breaker.admit()!, breaker.admit()!];
    fail(FAILURES_TO_OPEN);
    slow.answered();
    expect(breaker.state).toBe('open');
    untilProbe();
    slower.troubled(60_000);
    breaker.admit()!.answered();
    expect(breaker.state).toBe('closed');
  });

  test('spreads the probes of a fleet over the time that an upstream needs for them', () => {
    const waits = Array.from({ length: 500 }, (_, i) => {
      const { breaker, fail } = breakers({ fleetSize: 5000, uniform: () => i / 500 });
      fail(FAILURES_TO_OPEN);
      return breaker.refusesMs()!;
    });
    const perSecond = Map.groupBy(waits, (ms) => Math.floor(ms / 1000));
    // A tenth of the fleet: five a second of fifty.
    expect(Math.max(...Array.from(perSecond.values(), (some) => some.length))).toBeLessThanOrEqual(6);
    expect(Math.max(...waits)).toBeLessThan(102_000);
  });
});

test('no wait is ever nothing, whatever happens', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ ok: fc.boolean(), retry: fc.option(fc.integer({ min: 1, max: 400_000 })) }), {
        maxLength: 60,
      }),
      fc.double({ min: 0, max: 0.999999, noNaN: true }),
      fc.integer({ min: 1, max: 100_000 }),
      (outcomes, uniform, fleetSize) => {
        const { breaker, untilProbe } = breakers({ fleetSize, uniform: () => uniform });
        for (const { ok, retry } of outcomes) {
          const pass = breaker.admit()!;
          if (ok) pass.answered();
          else pass.troubled(retry ?? undefined);
          if (breaker.state === 'closed') continue;
          expect(untilProbe()).toBeGreaterThanOrEqual(Math.max(100, retry ?? 0));
        }
      },
    ),
  );
});
