import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMetrics } from '../../src/observe/metrics.ts';

/** Reads the Prometheus text format 0.0.4, strictly. */
function parse(text: string) {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  expect(text.endsWith('\n')).toBe(true);
  for (const line of text.slice(0, -1).split('\n')) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.*)$/.exec(line);
    if (comment) {
      if (comment[1] === 'TYPE') types.set(comment[2]!, comment[3]!);
      continue;
    }
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/s.exec(line);
    if (!sample) throw new Error(`not a sample: ${line}`);
    const labels: Record<string, string> = {};
    let rest = sample[2] ?? '';
    while (rest !== '') {
      const label = /^([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/.exec(rest);
      if (!label) throw new Error(`not a label: ${rest}`);
      labels[label[1]!] = label[2]!.replace(/\\(["\\n])/g, (_, c: string) => (c === 'n' ? '\n' : c));
      rest = rest.slice(label[0].length);
    }
    const key = `${sample[1]} ${JSON.stringify(labels)}`;
    if (samples.has(key)) throw new Error(`a sample twice: ${key}`);
    samples.set(key, Number(sample[3]));
  }
  return { samples, types };
}

describe('metrics', () => {
  test('count, by labels', () => {
    const metrics = createMetrics();
    metrics.describe('requests_total', 'counter', 'Requests.');
    metrics.count('requests_total');
    metrics.count('requests_total', { route: '/token' });
    metrics.count('requests_total', { route: '/token' }, 2);
    const { samples, types } = parse(metrics.render());
    expect(types.get('requests_total')).toBe('counter');
    expect(Object.fromEntries(samples)).toEqual({ 'requests_total {}': 1, 'requests_total {"route":"/token"}': 3 });
  });

  test('observe into cumulative buckets, a bound included', () => {
    const metrics = createMetrics();
    metrics.describe('seconds', 'histogram', 'Time.');
    for (const seconds of [0, 0.0001, 0.001, 0.9, 1, 7]) metrics.observe('seconds', seconds, { route: 'r' });
    const { samples } = parse(metrics.render());
    const bucket = (le: string): number => samples.get(`seconds_bucket {"route":"r","le":"${le}"}`)!;
    expect([bucket('0.0001'), bucket('0.001'), bucket('0.25'), bucket('1'), bucket('+Inf')]).toEqual([2, 3, 3, 5, 6]);
    expect(samples.get('seconds_count {"route":"r"}')).toBe(6);
    expect(samples.get('seconds_sum {"route":"r"}')).toBeCloseTo(8.9011);
    const bounds = [...samples].filter(([key]) => key.startsWith('seconds_bucket')).map(([, value]) => value);
    expect(bounds).toEqual([...bounds].sort((a, b) => a - b));
  });

  test('read gauges when they are asked', () => {
    const metrics = createMetrics();
    let value = 1;
    metrics.gauge('leases', 'Leases.', () => value);
    metrics.gauge('identities', 'By state.', () => [{ labels: { state: 'active' }, value }]);
    value = 5;
    expect(Object.fromEntries(parse(metrics.render()).samples)).toEqual({
      'leases {}': 5,
      'identities {"state":"active"}': 5,
    });
  });

  test('refuse a name that was never described', () => {
    expect(() => createMetrics().count('typo_total')).toThrow(TypeError);
  });

  test('keep at most 500 series of one name, and the sum of all', () => {
    const metrics = createMetrics();
    metrics.describe('requests_total', 'counter', 'Requests.');
    for (let round = 0; round < 2; round++)
      for (let i = 0; i < 2000; i++) metrics.count('requests_total', { route: `r${i}` });
    const { samples } = parse(metrics.render());
    expect(samples.size).toBeLessThanOrEqual(501);
    expect(samples.get('requests_total {"overflow":"true"}')).toBe(2 * 1500);
    expect([...samples.values()].reduce((sum, count) => sum + count, 0)).toBe(4000);
  });

  test('are text that a scraper reads, whatever the label values', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(
          fc.string({
            unit: fc.constantFrom('a', '"', '\\', '\n', '{', '}', ',', '=', ' ', 'é', '\0', '\u2028', '\ud800'),
          }),
          { maxLength: 8 },
        ),
        (values) => {
          const metrics = createMetrics();
          metrics.describe('m', 'counter', 'Any.');
          metrics.describe('h', 'histogram', 'Any.');
          for (const value of values) {
            metrics.count('m', { a: value, b: 'x' });
            metrics.observe('h', 1, { a: value });
          }
          const { samples } = parse(metrics.render());
          for (const value of values) {
            expect(samples.get(`m ${JSON.stringify({ a: value, b: 'x' })}`)).toBe(1);
            expect(samples.get(`h_count ${JSON.stringify({ a: value })}`)).toBe(1);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
