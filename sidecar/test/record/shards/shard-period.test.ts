import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { periodAt, type FiscalYear } from '../../../src/record/shards/shard-period.ts';

const at = (text: string): number => Date.parse(text);
const shown = (text: string, year: FiscalYear): string[] => {
  const { fromMs, toMs } = periodAt(at(text), year);
  return [new Date(fromMs).toISOString(), new Date(toMs).toISOString()];
};

describe('a year of the books', () => {
  test.each([
    ['2026-11-22T12:00:00Z', '01-01', 'UTC', '2026-01-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['2026-01-01T00:00:00Z', '01-01', 'UTC', '2026-01-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['2025-12-31T23:59:59.999Z', '01-01', 'UTC', '2025-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'],
    ['2026-11-22T12:00:00Z', '04-01', 'UTC', '2026-04-01T00:00:00.000Z', '2027-04-01T00:00:00.000Z'],
    ['2026-03-31T12:00:00Z', '04-01', 'UTC', '2025-04-01T00:00:00.000Z', '2026-04-01T00:00:00.000Z'],
  ])('of %s that begins on %s in %s is from %s to %s', (text, start, zone, from, to) => {
    expect(shown(text, { start, zone })).toEqual([from, to]);
  });

  test('begins with its day in its zone, by the offset of that day', () => {
    expect(shown('2026-11-22T12:00:00Z', { start: '04-01', zone: 'Europe/Berlin' })).toEqual([
      '2026-03-31T22:00:00.000Z',
      '2027-03-31T22:00:00.000Z',
    ]);
    expect(shown('2026-11-22T12:00:00Z', { start: '01-01', zone: 'America/New_York' })).toEqual([
      '2026-01-01T05:00:00.000Z',
      '2027-01-01T05:00:00.000Z',
    ]);
    expect(shown('2026-11-22T12:00:00Z', { start: '07-01', zone: 'Asia/Kolkata' })).toEqual([
      '2026-06-30T18:30:00.000Z',
      '2027-06-30T18:30:00.000Z',
    ]);
  });

  test('begins an hour after midnight where the clocks are put forward then', () => {
    // Beirut went from 24:00 on 25 March 2017 to 01:00.
    expect(shown('2017-06-01T00:00:00Z', { start: '03-26', zone: 'Asia/Beirut' })[0]).toBe('2017-03-25T22:00:00.000Z');
  });

  test('begins with the next day where its own is left out', () => {
    // Samoa had no 30 December 2011.
    expect(shown('2012-06-01T00:00:00Z', { start: '12-30', zone: 'Pacific/Apia' })[0]).toBe('2011-12-30T10:00:00.000Z');
    expect(shown('2027-06-01T00:00:00Z', { start: '02-29', zone: 'UTC' })[0]).toBe('2027-03-01T00:00:00.000Z');
  });

  test('has every instant in one year, and the next year begins where it ends', () => {
    const zones = ['UTC', 'Europe/Berlin', 'America/Sao_Paulo', 'Pacific/Apia', 'Asia/Beirut', 'Pacific/Chatham'];
    const days = fc.date({ min: new Date('2024-01-01'), max: new Date('2024-12-31'), noInvalidDate: true });
    const start = days.map((day) => day.toISOString().slice(5, 10));
    const instant = fc.integer({ min: at('1990-01-01T00:00:00Z'), max: at('2060-01-01T00:00:00Z') });
    fc.assert(
      fc.property(instant, start, fc.constantFrom(...zones), (ms, first, zone) => {
        const year = { start: first, zone };
        const period = periodAt(ms, year);
        expect(period.fromMs <= ms && ms < period.toMs).toBe(true);
        expect(periodAt(period.fromMs, year)).toEqual(period);
        expect(periodAt(period.toMs - 1, year)).toEqual(period);
        expect(periodAt(period.toMs, year).fromMs).toBe(period.toMs);
        expect(periodAt(period.fromMs - 1, year).toMs).toBe(period.fromMs);
      }),
      { numRuns: 150 },
    );
  });
});
