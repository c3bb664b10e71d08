import { ERROR_CODES, TallystickError, type ErrorCode } from '@tallystick/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeFailure } from '../../../src/providers/guard/call-outcome.ts';
import { createHoldOffs } from '../../../src/providers/guard/hold-offs.ts';
import { createIssueRate } from '../../../src/providers/guard/issue-rate.ts';
import { wait } from '../../../src/providers/guard/waits.ts';
import { UpstreamProofRequired } from '../../../src/providers/upstream-proof-required.ts';
import { manualTime } from '../../manual-time.ts';

test.each([0, -1, -0, Number.NaN, Infinity])('no upstream is asked again after a wait of %s', (ms) => {
  expect(() => wait(ms)).toThrow(RangeError);
});

describe('what failed', () => {
  test('is held off for longer and longer, up to a minute, and not after it went well', () => {
    const time = manualTime();
    const holdOffs = createHoldOffs({ clock: time, random: { uniform: () => 0.999 } });
    const waits = Array.from({ length: 9 }, () => {
      holdOffs.failed('p', new TallystickError('upstream_denied', 'no'));
      const { retryAfterMs } = holdOffs.refusal('p') as TallystickError;
      time.advance(retryAfterMs!);
      expect(holdOffs.refusal('p')).toBeUndefined();
      return Math.round(retryAfterMs! / 1000);
    });
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 64, 64]);
    holdOffs.succeeded('p');
    holdOffs.failed('p', new TallystickError('upstream_denied', 'no'));
    expect((holdOffs.refusal('p') as TallystickError).retryAfterMs).toBeLessThan(1000);
  });

  test('is held off for as long as the upstream asks', () => {
    const time = manualTime();
    const holdOffs = createHoldOffs({ clock: time, random: { uniform: () => 0 } });
    holdOffs.failed('p', new TallystickError('upstream_unavailable', 'away', { retryAfterMs: 30_000 }));
    time.advance(29_999);
    expect(holdOffs.refusal('p')).toMatchObject({ code: 'upstream_unavailable', retryAfterMs: 1 });
  });

  test('is forgotten, the oldest first, where there is too much of it', () => {
    const holdOffs = createHoldOffs({ clock: manualTime(), random: { uniform: () => 0.5 } });
    for (let i = 0; i <= 10_000; i++) holdOffs.failed(`p-${i}`, new TallystickError('upstream_denied', 'no'));
    expect([holdOffs.refusal('p-0'), holdOffs.refusal('p-1') === undefined]).toEqual([undefined, false]);
  });
});

test('never more are issued on a path than a burst and its rate, however they are asked for', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 300 }), (pauses) => {
      const time = manualTime();
      const rate = createIssueRate({ clock: time, perMinute: 60, burst: 5 });
      let issued = 0;
      for (const ms of pauses) {
        time.advance(ms);
        if (rate.waitMs('p') === undefined) {
          rate.take('p');
          issued++;
        } else {
          expect(rate.waitMs('p')).toBeLessThanOrEqual(1000);
        }
        expect(issued).toBeLessThanOrEqual(5 + time.monotonicMs() / 1000 + 1e-6);
      }
    }),
  );
});

test('trouble is what nobody can be served in; all else is an answer', () => {
  const codes = (Object.keys(ERROR_CODES) as ErrorCode[]).filter((code) => code.startsWith('upstream_'));
  const judged = Map.groupBy(codes, (code) => judgeFailure(new TallystickError(code, 'x')));
  expect(Object.fromEntries(judged)).toEqual({
    trouble: ['upstream_unavailable', 'upstream_rate_limited', 'upstream_sealed', 'upstream_login_refused'],
    refusal: [
      'upstream_proof_required',
      'upstream_failed',
      'upstream_answer_invalid',
      'upstream_denied',
      'upstream_not_found',
      'upstream_unbound',
    ],
  });
  expect(judgeFailure(new UpstreamProofRequired('https://as.acme.example/token', undefined))).toBe('applicant');
  expect(judgeFailure(new TypeError('a defect'))).toBe('refusal');
});
