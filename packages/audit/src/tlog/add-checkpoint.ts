import { isCount, parseDecimal } from './decimal.ts';
import { decodeHash } from './strict-base64.ts';
import { TlogError } from './tlog-error.ts';

/** What a log sends to a witness: a checkpoint, and that it has grown from the last one (tlog-witness, add-checkpoint). */
export interface AddCheckpoint {
  /** Size of the checkpoint that the witness cosigned last; 0 where there was none. */
  readonly oldSize: number;
  /** The consistency proof from that size; empty from 0. */
  readonly proof: readonly Uint8Array[];
  /** The signed checkpoint, byte for byte. */
  readonly checkpoint: Uint8Array;
}

/**
 * Returns the body of the request.
 *
 * @throws {TlogError} `add_checkpoint`.
 */
export function formatAddCheckpoint({ oldSize, proof, checkpoint }: AddCheckpoint): Buffer {
  if (!isCount(oldSize)) throw new TlogError('add_checkpoint', `no checkpoint has the size ${oldSize}`);
  if (proof.length > MAX_HASHES || proof.some((hash) => hash.length !== 32)) {
    throw new TlogError('add_checkpoint', `a consistency proof has at most ${MAX_HASHES} hashes of 32 bytes`);
  }
  const lines = [`old ${oldSize}`, ...proof.map((hash) => Buffer.from(hash).toString('base64')), '', ''];
  return Buffer.concat([Buffer.from(lines.join('\n')), checkpoint]);
}

/**
 * Returns what the body of a request says, with nothing verified.
 *
 * @throws {TlogError} `add_checkpoint`: a witness answers it with 400.
 */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const blank = buffer.indexOf('\n\n');
  if (blank < 0) throw new TlogError('add_checkpoint', 'no empty line parts the proof from its checkpoint');
  const [first, ...lines] = buffer.toString('latin1', 0, blank).split('\n');
  const oldSize = first!.startsWith('old ') ? parseDecimal(first!.slice('old '.length)) : undefined;
  if (oldSize === undefined) throw new TlogError('add_checkpoint', 'the first line is the old size');
  if (lines.length > MAX_HASHES) throw new TlogError('add_checkpoint', `a proof has at most ${MAX_HASHES} hashes`);
  const proof = lines.map((line) => {
    const hash = decodeHash(line);
    if (!hash) throw new TlogError('add_checkpoint', 'a hash of a consistency proof is 32 bytes in base64');
    return hash;
  });
  return { oldSize, proof, checkpoint: buffer.subarray(blank + 2) };
}

const MAX_HASHES = 63;
