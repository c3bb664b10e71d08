import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFloodGate, type RefusalSummary, type Suppression } from '../../src/record/flood.ts';
import { manualTime, START_MS } from '../manual-time.ts';

function gate() {
  const time = manualTime();
  const suppressed: Suppression[] = [];
  const refused: RefusalSummary[] = [];
  const flood = createFloodGate({
    clock: time,
    timers: time,
    onSuppressed: (each) => suppressed.push(each),
    onRefused: (each) => refused.push(each),
  });
  return { time, flood, suppressed, refused };
}

describe('denials of one uid for one reason', () => {
  test('are recorded twenty times a minute, then suppressed, and their number is told at its end', () => {
    const { time, flood, suppressed } = gate();
    const verdicts = Array.from({ length: 50 }, () => {
      time.advance(1000);
      return flood.denial(1001, 'suspended');
    });
    expect(verdicts).toEqual([...Array(20).fill('record'), 'open', ...Array(29).fill('count')]);
    expect(suppressed).toEqual([]);
    time.advance(11_000);
    expect(suppressed).toEqual([
      { uid: 1001, reason: 'suspended', count: 30, firstMs: START_MS + 21_000, lastMs: START_MS + 50_000 },
    ]);
    expect(flood.denial(1001, 'suspended')).toBe('record');
  });

  test('are not counted with those of another uid or for another reason', () => {
    const { flood } = gate();
    for (let i = 0; i < 30; i++) flood.denial(1001, 'suspended');
    expect([flood.denial(1002, 'suspended'), flood.denial(1001, 'expired')]).toEqual(['record', 'record']);
  });

  test('that stay below the limit end a minute without a word', () => {
    const { time, flood, suppressed } = gate();
    for (let i = 0; i < 20; i++) flood.denial(1001, 'suspended');
    time.advance(60_000);
    expect([suppressed, time.waiting]).toEqual([[], 0]);
  });
});

describe('refusals before a decision', () => {
  test('make one summary a minute for each uid, by code', () => {
    const { time, flood, refused } = gate();
    for (const code of ['invalid_proof', 'use_dpop_nonce', 'invalid_proof']) {
      flood.refusal(1001, code);
      time.advance(1000);
    }
    flood.refusal(1002, 'identity_unknown');
    time.advance(60_000);
    expect(refused).toEqual([
      { uid: 1001, counts: { invalid_proof: 2, use_dpop_nonce: 1 }, firstMs: START_MS, lastMs: START_MS + 2000 },
      { uid: 1002, counts: { identity_unknown: 1 }, firstMs: START_MS + 3000, lastMs: START_MS + 3000 },
    ]);
    time.advance(600_000);
    expect(refused).toHaveLength(2);
  });
});

describe('the gate', () => {
  test('tells what is open when the sidecar stops, once', () => {
    const { time, flood, suppressed, refused } = gate();
    for (let i = 0; i < 25; i++) flood.denial(1001, 'suspended');
    flood.refusal(1001, 'invalid_proof');
    flood.flush();
    flood.flush();
    time.advance(600_000);
    expect([suppressed.length, refused.length, time.waiting]).toEqual([1, 1, 0]);
  });

  test('has no timer while nothing is refused', () => {
    const { time, flood } = gate();
    expect(time.waiting).toBe(0);
    flood.refusal(1, 'x');
    time.advance(60_000);
    expect(time.waiting).toBe(0);
  });

  test('tells 1024 uids apart, and counts the rest together', () => {
    const { flood, refused, suppressed, time } = gate();
    for (let uid = 0; uid < 5000; uid++) {
      flood.refusal(uid, 'invalid_proof');
      flood.denial(uid, 'suspended');
    }
    time.advance(60_000);
    expect(refused).toHaveLength(1025);
    expect(refused.at(-1)).toMatchObject({ uid: -1, counts: { invalid_proof: 5000 - 1024 } });
    expect(suppressed).toEqual([expect.objectContaining({ uid: -1, count: 5000 - 1024 - 20 })]);
  });

  test('bounds the records of a minute, whatever comes, and loses no denial', () => {
    const event = fc.record({
      uid: fc.oneof({ weight: 5, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(100_000) }),
      reason: fc.constantFrom('suspended', 'expired', 'not_entitled'),
      denial: fc.boolean(),
      pauseMs: fc.constantFrom(0, 0, 0, 0, 1, 1000, 31_000),
      times: fc.constantFrom(1, 1, 5, 40),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const { time, flood, suppressed, refused } = gate();
        const minutes = new Map<string, number>();
        let [denials, recorded, refusals] = [0, 0, 0];
        let windowAt = Number.NaN;
        for (const { uid, reason, denial, pauseMs, times } of events) {
          time.advance(pauseMs);
          if (Number.isNaN(windowAt) || time.monotonicMs() >= windowAt + 60_000) {
            windowAt = time.monotonicMs();
            minutes.clear();
          }
          for (let i = 0; i < times; i++) {
            if (!denial) {
              flood.refusal(uid, reason);
              refusals++;
              continue;
            }
            denials++;
            if (flood.denial(uid, reason) !== 'record') continue;
            recorded++;
            const key = `${uid} ${reason}`;
            minutes.set(key, (minutes.get(key) ?? 0) + 1);
            expect(minutes.get(key)).toBeLessThanOrEqual(20);
          }
        }
        flood.flush();
        expect(recorded + suppressed.reduce((sum, { count }) => sum + count, 0)).toBe(denials);
        const counted = refused.flatMap(({ counts }) => Object.values(counts));
        expect(counted.reduce((sum, count) => sum + count, 0)).toBe(refusals);
      }),
      { numRuns: 200 },
    );
  });
});
