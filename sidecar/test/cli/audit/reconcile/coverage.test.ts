import { describe, expect, test } from 'vitest';
import { Coverage } from '../../../../src/cli/audit/reconcile/coverage.ts';
import { AUDIENCE, instant, mark, NINE, receipt, WRITER } from './facts.ts';

const OTHER = '01KAMQ5Q6G0000000000000002';
const minute = (n: number): string => instant(NINE + n * 60_000);

function run(writer: string, from: number, to: number, state: 'written' | 'closed' = 'closed', lost = 0) {
  return [
    mark({ writer, time: minute(from) }),
    receipt({ writer, seq: 1 }),
    mark({ writer, seq: 2, time: minute(to), state, lost }),
  ];
}

function covering(...lines: readonly Parameters<Coverage['add']>[0][]): Coverage {
  const coverage = new Coverage();
  for (const line of lines) coverage.add(line);
  return coverage;
}

const watched = (coverage: Coverage, from: number, to: number, audience = AUDIENCE): string =>
  coverage.watch()(audience, NINE + from * 60_000, NINE + to * 60_000);

describe('an API is watched', () => {
  test('from the first mark of a run to its last, and by no receipt beyond', () => {
    const coverage = covering(...run(WRITER, 0, 10, 'written'), receipt({ seq: 3, last: minute(12) }));
    expect(watched(coverage, 0, 10)).toBe('whole');
    expect(watched(coverage, 5, 11)).toBe('begun');
    expect(watched(coverage, -1, 5)).toBe('not');
    expect(watched(coverage, 1, 2, 'https://else.acme.example')).toBe('not');
  });

  test('over runs that follow each other or run at once, and not between those that leave a gap', () => {
    const seamless = covering(...run(WRITER, 0, 10), ...run(OTHER, 8, 20));
    expect(watched(seamless, 1, 19)).toBe('whole');
    const apart = covering(...run(OTHER, 12, 20), ...run(WRITER, 0, 10));
    expect(watched(apart, 1, 19)).toBe('not');
    expect(watched(apart, 13, 30)).toBe('begun');
    expect(watched(apart, 1, 9)).toBe('whole');
  });

  test('to the mark that its lines are written, not to one that a new file begins with', () => {
    const coverage = covering(...run(WRITER, 0, 10, 'written'), mark({ seq: 3, time: minute(12), state: 'continued' }));
    expect(watched(coverage, 5, 11)).toBe('begun');
  });

  test('by no run that has lost receipts, or lacks a line', () => {
    expect(watched(covering(...run(WRITER, 0, 10, 'closed', 3)), 1, 2)).toBe('not');
    const [first, , last] = run(WRITER, 0, 10);
    expect(watched(covering(first!, last!), 1, 2)).toBe('not');
  });
});

describe('receipts lack', () => {
  test('nothing where each run counts on, in whatever order its files are given', () => {
    const lines = run(WRITER, 0, 10);
    expect(covering(...lines.toReversed(), ...run(OTHER, 3, 4)).lacks()).toEqual({ lost: 0, gaps: 0 });
    // The older files of a run may be gone.
    expect(covering(...lines.slice(1)).lacks()).toEqual({ lost: 0, gaps: 0 });
  });

  test('a line that was taken out, or one that is there twice', () => {
    const [first, second, third] = run(WRITER, 0, 10);
    expect(covering(first!, third!).lacks().gaps).toBe(1);
    expect(covering(first!, second!, second!, third!).lacks().gaps).toBe(1);
  });

  test('what their runs say that they could not write', () => {
    expect(covering(...run(WRITER, 0, 10, 'closed', 3), ...run(OTHER, 0, 10, 'closed', 4)).lacks().lost).toBe(7);
  });
});
