import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTilePath, tilesOfGrowth, tileWidth, type Tile } from '../../src/index.ts';
import { faultOf } from './fault-of.ts';

const tilesOf = (from: number, to: number): Tile[] => [...tilesOfGrowth(from, to)];
const pathsOf = (from: number, to: number): string[] => tilesOf(from, to).map(formatTilePath);

describe('the tiles of a log (tlog-tiles, Partial Tiles)', () => {
  test('of 70,000 leaves are those of the text', () => {
    const count = (level: Tile['level']) => {
      const row = tilesOf(0, 70_000).filter((tile) => tile.level === level);
      return { full: row.filter(({ width }) => width === 256).length, partial: row.at(-1)!.width };
    };
    expect(count('entries')).toEqual({ full: 273, partial: 112 });
    expect(count(0)).toEqual({ full: 273, partial: 112 });
    expect(count(1)).toEqual({ full: 1, partial: 17 });
    expect(count(2)).toEqual({ full: 0, partial: 1 });
    expect(tilesOf(0, 70_000)).toHaveLength(274 + 274 + 2 + 1);
  });

  test('of 256 leaves are one full tile and a partial one above it', () => {
    expect(pathsOf(0, 256)).toEqual(['tile/entries/000', 'tile/0/000', 'tile/1/000.p/1']);
  });

  test('of none are none, and what does not grow has no new ones', () => {
    expect(pathsOf(0, 0)).toEqual([]);
    expect(pathsOf(70_000, 70_000)).toEqual([]);
  });

  test('that a growth adds: partial ones widen, full ones are never written again', () => {
    expect(pathsOf(255, 258)).toEqual([
      'tile/entries/000',
      'tile/entries/001.p/2',
      'tile/0/000',
      'tile/0/001.p/2',
      'tile/1/000.p/1',
    ]);
    expect(pathsOf(256, 257)).toEqual(['tile/entries/001.p/1', 'tile/0/001.p/1']);
  });

  test('of a log that has grown in steps are, the full ones once each, those of the log at once', () => {
    fc.assert(
      fc.property(fc.nat(2000), fc.nat(2000), fc.nat(70_000), (a, b, c) => {
        const full = (paths: string[]) => paths.filter((path) => !path.includes('.p/')).toSorted();
        const steps = [...pathsOf(0, a), ...pathsOf(a, a + b), ...pathsOf(a + b, a + b + c)];
        expect(full(steps)).toEqual(full(pathsOf(0, a + b + c)));
        expect(steps).toEqual(expect.arrayContaining(pathsOf(a + b, a + b + c)));
      }),
      { numRuns: 40 },
    );
  });

  test('are as wide as the text says: floor(s / 256^l) mod 256 at the right edge', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(6), (size, level) => {
        const hashes = Number(BigInt(size) / 256n ** BigInt(level));
        const last = Math.floor(hashes / 256);
        expect(tileWidth(level, last, size)).toBe(hashes % 256);
        expect(tileWidth(level, last + 1, size)).toBe(0);
        if (last > 0) expect(tileWidth(level, last - 1, size)).toBe(256);
      }),
    );
    expect(tileWidth('entries', 273, 70_000)).toBe(112);
  });

  test.each([
    [5, 4],
    [-1, 4],
    [0.5, 4],
    [0, 2 ** 53],
    [0, Number.NaN],
  ])('do not grow from %d to %d', (from, to) => expect(faultOf(() => tilesOf(from, to))).toBe('size'));
});
