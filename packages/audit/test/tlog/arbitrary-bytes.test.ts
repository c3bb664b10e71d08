import fc from 'fast-check';
import { describe, test } from 'vitest';
import {
  cosignatureTime,
  decodeEntryBundle,
  parseAddCheckpoint,
  parseCheckpointBody,
  parseNote,
  parseSignatureLine,
  parseSignerKey,
  parseTilePath,
  parseTlogPolicy,
  parseTlogProof,
  parseVkey,
} from '../../src/index.ts';
import { c2sp } from './c2sp.ts';
import { faultOf } from './fault-of.ts';

const POLICY = `log ${c2sp.real.log}\nwitness w ${c2sp.real.witness} https://w.example\ngroup g any w\nquorum g\n`;
const PROOF = `c2sp.org/tlog-proof@v1\nextra QUJD\nindex 5\n${c2sp.tlogProof.hashes.join('\n')}\n\n${c2sp.checkpoint}`;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Each parser, with an input that it takes: arbitrary bytes alone would seldom come far into it. */
const PARSERS: readonly [string, string, (bytes: Uint8Array) => unknown][] = [
  ['a note', c2sp.cosigned, parseNote],
  ['a checkpoint', c2sp.checkpoint.split('\n\n')[0]! + '\n', (bytes) => parseCheckpointBody(text(bytes), 'tolerate')],
  ['a signature line', c2sp.witnessAnswer[0]!, (bytes) => parseSignatureLine(text(bytes))],
  ['a vkey', c2sp.go.vkey, (bytes) => parseVkey(text(bytes))],
  ['a signer key', c2sp.go.signerKey, (bytes) => parseSignerKey(text(bytes))],
  ['a policy', POLICY, parseTlogPolicy],
  ['a proof', PROOF, parseTlogProof],
  ['a request to a witness', c2sp.addCheckpoint, parseAddCheckpoint],
  ['the path of a tile', 'tile/0/x001/x234/067.p/12', (bytes) => parseTilePath(text(bytes))],
  ['an entry bundle', '\0\x03abc\0\x01d', (bytes) => decodeEntryBundle(bytes, 2)],
  ['the time of a cosignature', '\0'.repeat(8) + 'x'.repeat(64), cosignatureTime],
];

describe('nothing but a TlogError is thrown', () => {
  test.each(PARSERS)('by the parser of %s, for any bytes and for good ones that are spoiled', (_what, good, parse) => {
    // A good input is one: otherwise what follows would try the first check alone.
    parse(Buffer.from(good));
    const spoiled = fc.tuple(fc.nat(), fc.nat(4), fc.uint8Array({ maxLength: 6 })).map(([at, removed, added]) => {
      const bytes = Buffer.from(good);
      const from = at % (bytes.length + 1);
      return Buffer.concat([bytes.subarray(0, from), added, bytes.subarray(from + removed)]);
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          spoiled,
          fc.string().map((each) => Buffer.from(each)),
        ),
        (bytes) => {
          faultOf(() => parse(bytes));
        },
      ),
      { numRuns: 500 },
    );
  });
});
