import fc from 'fast-check';
import { formatTilePath } from '@tallystick/audit';
import { describe, expect, test } from 'vitest';
import { logPrefix, parseLogPath } from '../../../src/api/public/log-path.ts';

const count = fc.integer({ min: 1, max: 999_999_999 });
const place = fc.record({ incarnation: count, shard: count });
const hashTile = fc.record({
  level: fc.integer({ min: 0, max: 63 }),
  index: fc.oneof(fc.nat(2000), fc.maxSafeNat()),
  width: fc.integer({ min: 1, max: 256 }),
});
/** What paths of another kind are put together from. */
const PIECES =
  '/ // . .. %2e %2f \\ \0 \n ? # ; .p/ x x001/ 000 067 log tile entries checkpoint journal vkey heads .tmp'
    .split(' ')
    .concat(' 1 0 01 256 64 -1'.split(' '), ' ');
const NOTHING = [
  '',
  ...'. .. vkey heads cut journal journal/1 checkpoint.tmp checkpoint/ Checkpoint tile tile/ tile/0 tile/0/'.split(' '),
  ...'tile/0/000/ tile/00/000 tile/64/000 tile/-1/000 tile/0/0 tile/0/000.p/0 tile/0/000.p/256'.split(' '),
  ...'tile/0/000.p/01 tile/0/x000/000 tile/0/000.tmp tile/0/../0/000 tile//0/000 tile/0/..%2fentries/000'.split(' '),
  ...'tile/entries/000 tile/entries/000.p/1 tile/ENTRIES/000'.split(' '),
];
const at = (path: string) => parseLogPath(`/log/1/2/${path}`);

describe('a path below /log/', () => {
  test('names the checkpoint of a log, or one of its tiles of hashes', () => {
    fc.assert(
      fc.property(place, hashTile, (own, tile) => {
        expect(parseLogPath(`${logPrefix(own)}/checkpoint`)).toEqual({ place: own, of: 'checkpoint' });
        expect(parseLogPath(`${logPrefix(own)}/${formatTilePath(tile)}`)).toEqual({ place: own, of: tile });
      }),
    );
  });

  test('never names an entry, however wide its bundle is', () => {
    fc.assert(
      fc.property(place, hashTile, (own, tile) => {
        expect(parseLogPath(`${logPrefix(own)}/${formatTilePath({ ...tile, level: 'entries' })}`)).toBeUndefined();
      }),
    );
  });

  test('has one spelling: whatever else is asked for names nothing', () => {
    const piece = fc.constantFrom(...PIECES);
    const path = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 12 }).map((pieces) => `/log/${pieces.join('')}`),
      fc.array(piece, { maxLength: 8 }).map((pieces) => `/log/1/1/tile/0/${pieces.join('')}`),
    );
    fc.assert(
      fc.property(path, (asked) => {
        const found = parseLogPath(asked);
        if (!found) return;
        const { place: own, of } = found;
        expect(asked).toBe(`${logPrefix(own)}/${of === 'checkpoint' ? of : formatTilePath(of)}`);
        expect(asked).toMatch(/^\/log\/[1-9]\d*\/[1-9]\d*\/(checkpoint|tile\/\d+\/[x\d/]+(\.p\/\d+)?)$/);
      }),
      { numRuns: 1000 },
    );
  });

  test.each(NOTHING)('names nothing as "%s"', (path) => expect(at(path)).toBeUndefined());

  test.each(['/log', '/log/1', '/log/1/1', '/log/0/1/checkpoint', '/log/1/01/checkpoint', '/log/1/1//checkpoint'])(
    'names nothing as "%s"',
    (path) => expect(parseLogPath(path)).toBeUndefined(),
  );
});
