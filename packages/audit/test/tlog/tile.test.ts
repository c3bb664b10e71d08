import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTilePath, parseTilePath, type Tile } from '../../src/index.ts';
import { faultOf } from './fault-of.ts';

const tiles: fc.Arbitrary<Tile> = fc.record({
  level: fc.oneof(fc.constant('entries' as const), fc.nat(63)),
  index: fc.oneof(fc.nat(5000), fc.maxSafeNat()),
  width: fc.integer({ min: 1, max: 256 }),
});

describe('the path of a tile (tlog-tiles, Merkle Tree)', () => {
  test.each([
    ['tile/0/x001/x234/067', { level: 0, index: 1_234_067, width: 256 }],
    ['tile/0/000', { level: 0, index: 0, width: 256 }],
    ['tile/0/273.p/112', { level: 0, index: 273, width: 112 }],
    ['tile/63/999.p/255', { level: 63, index: 999, width: 255 }],
    ['tile/1/x001/000', { level: 1, index: 1000, width: 256 }],
    ['tile/entries/x999/999.p/1', { level: 'entries', index: 999_999, width: 1 }],
    ['tile/0/x009/x007/x199/x254/x740/991', { level: 0, index: Number.MAX_SAFE_INTEGER, width: 256 }],
  ] as const)('%s', (path, tile) => {
    expect(formatTilePath(tile)).toBe(path);
    expect(parseTilePath(path)).toEqual(tile);
  });

  test('is read back as the tile it was written for', () => {
    fc.assert(
      fc.property(tiles, (tile) => {
        expect(parseTilePath(formatTilePath(tile))).toEqual(tile);
      }),
    );
  });

  test.each([
    '',
    'tile',
    'tile/0',
    'tile/0/',
    '/tile/0/000',
    'tile/0/000/',
    'tile/0/00',
    'tile/0/0000',
    'tile/0/001/000',
    'tile/0/x000/001',
    'tile/0/x001/x234',
    'tile/00/000',
    'tile/01/000',
    'tile/64/000',
    'tile/-1/000',
    'tile/x/000',
    'tile/Entries/000',
    'tile/0/000.p/0',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p/',
    'tile/0/000.p',
    'tile/0/000\n',
    'tile/0/../000',
    'tile/0/x009/x007/x199/x254/x740/992',
    'tile/0/x001/x000/x000/x000/x000/x000/000',
  ])('%j is none', (path) => expect(faultOf(() => parseTilePath(path))).toBe('tile_path'));

  test('is made of no tile that cannot be', () => {
    const tile = { level: 0, index: 0, width: 256 };
    for (const change of [
      { level: 64 },
      { level: -1 },
      { index: -1 },
      { index: 2 ** 53 },
      { width: 0 },
      { width: 257 },
    ])
      expect(faultOf(() => formatTilePath({ ...tile, ...change }))).toBe('tile_path');
  });
});
