import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAddCheckpoint, parseAddCheckpoint, parseNote } from '../../src/index.ts';
import { c2sp } from './c2sp.ts';
import { faultOf } from './fault-of.ts';

const HASH = c2sp.tlogProof.hashes[0]!;
const parse = (text: string) => parseAddCheckpoint(Buffer.from(text));
const written = (...lines: string[]): string => `${lines.join('\n')}\n\n${c2sp.checkpoint}`;

describe('a request to a witness (tlog-witness, add-checkpoint)', () => {
  test('is that of the example of the text', () => {
    const request = parse(c2sp.addCheckpoint);
    expect(request.oldSize).toBe(20_852_014);
    expect(request.proof).toHaveLength(4);
    expect(parseNote(request.checkpoint).signatures).toHaveLength(2);
    expect(formatAddCheckpoint(request).toString()).toBe(c2sp.addCheckpoint);
  });

  test('of a first checkpoint has old size 0 and no proof', () => {
    expect(parse(written('old 0'))).toEqual({ oldSize: 0, proof: [], checkpoint: Buffer.from(c2sp.checkpoint) });
  });

  test.each([
    ['is empty', ''],
    ['has no checkpoint', 'old 0\n'],
    ['has no old size', written(HASH)],
    ['has an old size with a leading zero', written('old 00')],
    ['has an old size with two spaces', written('old  0')],
    ['has an old size that JavaScript rounds', written('old 9007199254740993')],
    ['has a hash of 31 bytes', written('old 1', Buffer.alloc(31).toString('base64'))],
    ['has 64 hashes', written('old 1', ...Array<string>(64).fill(HASH))],
    ['has carriage returns', written('old 0\r')],
  ])('that %s is refused', (_what, text) => expect(faultOf(() => parse(text))).toBe('add_checkpoint'));

  test.each([
    ['an old size that is none', { oldSize: -1 }],
    ['a hash of 33 bytes', { proof: [Buffer.alloc(33)] }],
    ['64 hashes', { proof: Array.from({ length: 64 }, () => Buffer.alloc(32)) }],
  ])('is not made with %s', (_what, change) => {
    const request = { oldSize: 0, proof: [], checkpoint: Buffer.from(c2sp.checkpoint) };
    expect(faultOf(() => formatAddCheckpoint({ ...request, ...change }))).toBe('add_checkpoint');
  });

  test('is read back as it was written, and keeps the checkpoint byte for byte', () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((each) => Buffer.from(each));
    const checkpoint = fc.uint8Array({ maxLength: 60 }).map((each) => Buffer.from(each));
    const requests = fc.record({ oldSize: fc.maxSafeNat(), proof: fc.array(hash, { maxLength: 63 }), checkpoint });
    fc.assert(
      fc.property(requests, (each) => {
        expect(parseAddCheckpoint(formatAddCheckpoint(each))).toEqual(each);
      }),
    );
  });
});
