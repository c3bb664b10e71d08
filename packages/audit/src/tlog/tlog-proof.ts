import { isCount, parseDecimal } from './decimal.ts';
import { decodeBase64, decodeHash } from './strict-base64.ts';
import { TlogError } from './tlog-error.ts';

/** Evidence that a leaf is in a log, to be verified offline (tlog-proof, Format). Files of it end in `.tlog-proof`. */
export interface TlogProof {
  /** Position of the leaf, from 0. */
  readonly index: number;
  /** The inclusion proof, the leaf's sibling first. */
  readonly hashes: readonly Uint8Array[];
  /** The signed checkpoint, byte for byte. */
  readonly checkpoint: Uint8Array;
  /** What the application wants beside it. Nothing authenticates it. Absent, it is never empty. */
  readonly extra?: Uint8Array;
}

/**
 * Returns the bytes of a proof.
 *
 * @throws {TlogError} `tlog_proof`.
 */
export function formatTlogProof({ index, hashes, checkpoint, extra }: TlogProof): Buffer {
  if (!isCount(index)) throw new TlogError('tlog_proof', `no leaf has index ${index}`);
  if (extra?.length === 0) throw new TlogError('tlog_proof', 'extra data of a proof is absent, not empty');
  if (hashes.length > MAX_HASHES || hashes.some((hash) => hash.length !== 32)) {
    throw new TlogError('tlog_proof', `a proof has at most ${MAX_HASHES} hashes of 32 bytes`);
  }
  const lines = [HEADER, ...(extra ? [`extra ${base64(extra)}`] : []), `index ${index}`, ...hashes.map(base64), '', ''];
  return Buffer.concat([Buffer.from(lines.join('\n')), checkpoint]);
}

/**
 * Returns the proof that bytes hold, with nothing verified; {@link verifyTlogProof} does that.
 *
 * @throws {TlogError} `tlog_proof`.
 */
export function parseTlogProof(bytes: Uint8Array): TlogProof {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // No line of the proof is empty, so the first empty one is where its checkpoint begins.
  const blank = buffer.indexOf('\n\n');
  if (blank < 0) throw new TlogError('tlog_proof', 'no empty line parts a proof from its checkpoint');
  // Not UTF-8: a byte beyond ASCII is a character that no line of a proof may have.
  const lines = buffer.toString('latin1', 0, blank).split('\n');
  if (lines.shift() !== HEADER) throw new TlogError('tlog_proof', `the first line of a proof is ${HEADER}`);
  const extra = lines[0]?.startsWith('extra ') ? decodeBase64(lines.shift()!.slice('extra '.length)) : null;
  if (extra === undefined || extra?.length === 0) {
    throw new TlogError('tlog_proof', 'the extra data of a proof is base64, and absent where there is none');
  }
  const indexLine = lines.shift() ?? '';
  const index = indexLine.startsWith('index ') ? parseDecimal(indexLine.slice('index '.length)) : undefined;
  if (index === undefined) throw new TlogError('tlog_proof', 'a proof has a line with the index of its leaf');
  if (lines.length > MAX_HASHES) throw new TlogError('tlog_proof', `a proof has at most ${MAX_HASHES} hashes`);
  const hashes = lines.map((line) => {
    const hash = decodeHash(line);
    if (!hash) throw new TlogError('tlog_proof', 'a hash of a proof is 32 bytes in base64');
    return hash;
  });
  return { index, hashes, checkpoint: buffer.subarray(blank + 2), ...(extra && { extra }) };
}

const HEADER = 'c2sp.org/tlog-proof@v1';
/** A tree has at most 2^63 leaves, and as many levels above its leaves. */
const MAX_HASHES = 63;

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
