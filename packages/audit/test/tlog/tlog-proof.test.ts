import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTlogProof, parseTlogProof } from '../../src/index.ts';
import { c2sp } from './c2sp.ts';
import { faultOf } from './fault-of.ts';

const { hashes, index, extra, checkpointText } = c2sp.tlogProof;
const CHECKPOINT = `${checkpointText}\n— example.com/fancylog AAAAAQEC\n`;
const HASH = hashes[0]!;
const parse = (text: string) => parseTlogProof(Buffer.from(text));
const written = (...lines: string[]): string => `${lines.join('\n')}\n\n${CHECKPOINT}`;

describe('a proof of inclusion to keep (tlog-proof, Format)', () => {
  test('is laid out as the example of the text', () => {
    const text = written('c2sp.org/tlog-proof@v1', `extra ${extra}`, `index ${index}`, ...hashes);
    const proof = parse(text);
    expect(proof).toEqual({
      index,
      hashes: hashes.map((hash) => Buffer.from(hash, 'base64')),
      checkpoint: Buffer.from(CHECKPOINT),
      extra: Buffer.from(extra, 'base64'),
    });
    expect(formatTlogProof(proof).toString()).toBe(text);
  });

  test('of the only leaf has no hash, and its extra data is optional', () => {
    const text = written('c2sp.org/tlog-proof@v1', 'index 0');
    expect(parse(text)).toEqual({ index: 0, hashes: [], checkpoint: Buffer.from(CHECKPOINT) });
    expect(formatTlogProof(parse(text)).toString()).toBe(text);
  });

  test.each([
    ['is empty', ''],
    ['has another header', written('c2sp.org/tlog-proof@v2', 'index 0')],
    ['has no header', written('index 0')],
    ['has no index', written('c2sp.org/tlog-proof@v1')],
    ['has no index before its hashes', written('c2sp.org/tlog-proof@v1', HASH)],
    ['has its extra data after the index', written('c2sp.org/tlog-proof@v1', 'index 0', 'extra QUJD')],
    ['has extra data twice', written('c2sp.org/tlog-proof@v1', 'extra QUJD', 'extra QUJD', 'index 0')],
    ['has empty extra data', written('c2sp.org/tlog-proof@v1', 'extra ', 'index 0')],
    ['has extra data that is no base64', written('c2sp.org/tlog-proof@v1', `extra ${extra.slice(1)}`, 'index 0')],
    ['has an index with a leading zero', written('c2sp.org/tlog-proof@v1', 'index 00')],
    ['has an index with a space more', written('c2sp.org/tlog-proof@v1', 'index  0')],
    ['has an index that JavaScript rounds', written('c2sp.org/tlog-proof@v1', 'index 9007199254740993')],
    ['has a hash of 31 bytes', written('c2sp.org/tlog-proof@v1', 'index 0', Buffer.alloc(31).toString('base64'))],
    ['has a hash with a space after it', written('c2sp.org/tlog-proof@v1', 'index 0', `${HASH} `)],
    ['has carriage returns', written('c2sp.org/tlog-proof@v1\r', 'index 0')],
    [
      'has more hashes than a tree has levels',
      written('c2sp.org/tlog-proof@v1', 'index 0', ...Array<string>(64).fill(HASH)),
    ],
    ['has no checkpoint', 'c2sp.org/tlog-proof@v1\nindex 0\n'],
  ])('that %s is refused', (_what, text) => expect(faultOf(() => parse(text))).toBe('tlog_proof'));

  test.each([
    ['an index that is none', { index: -1 }],
    ['a hash of 31 bytes', { hashes: [Buffer.alloc(31)] }],
    ['64 hashes', { hashes: Array.from({ length: 64 }, () => Buffer.alloc(32)) }],
    ['empty extra data', { extra: Buffer.alloc(0) }],
  ])('is not made with %s', (_what, change) => {
    const proof = { index: 0, hashes: [], checkpoint: Buffer.from(CHECKPOINT) };
    expect(faultOf(() => formatTlogProof({ ...proof, ...change }))).toBe('tlog_proof');
  });

  test('is read back as it was written, and keeps the checkpoint byte for byte', () => {
    const bytes = (constraints: fc.IntArrayConstraints) => fc.uint8Array(constraints).map((each) => Buffer.from(each));
    const proof = fc.record(
      {
        index: fc.maxSafeNat(),
        hashes: fc.array(bytes({ minLength: 32, maxLength: 32 }), { maxLength: 63 }),
        checkpoint: bytes({ maxLength: 60 }),
        extra: bytes({ minLength: 1, maxLength: 40 }),
      },
      { requiredKeys: ['index', 'hashes', 'checkpoint'] },
    );
    fc.assert(
      fc.property(proof, (each) => {
        expect(parseTlogProof(formatTlogProof(each))).toEqual(each);
      }),
    );
  });
});
