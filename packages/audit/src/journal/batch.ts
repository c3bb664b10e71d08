import { hash } from 'node:crypto';
import { JournalError } from './journal-error.ts';
import { layOut, PAYLOAD_BYTES, SECTOR_BYTES, sectorBytes } from './sectors.ts';

/** Magic and version of a batch. */
export const BATCH_MAGIC: Buffer = Buffer.from('TSBATCH1', 'latin1');
/**
 * The header of a batch, big-endian: magic (8 bytes), SHA-256 of all that follows it in header and body (32), epoch
 * (4), number of records (4), batch number (8), sequence number of the first record (8), length of the body (4),
 * SHA-256 of the batch before (32).
 */
export const HEADER_BYTES = 100;
/** Where each member of the header begins. */
export const HEADER = {
  sha256: 8,
  epoch: 40,
  count: 44,
  batchNo: 48,
  firstSeq: 56,
  bodyLength: 64,
  prevSha256: 68,
} as const;
export const KIND_RECORD = 0x52; // R
export const KIND_HEAD = 0x48; // H
/** What stands before each record and before the head: kind and length. */
export const FRAME_BYTES = 5;

/** The longest record, in bytes: a tile holds entries behind a 16-bit length (C2SP tlog-tiles). */
export const MAX_RECORD_BYTES = 65_535;
/** The longest signed head, in bytes. */
export const MAX_HEAD_BYTES = 16_384;
/** The most records of a batch. */
export const MAX_BATCH_RECORDS = 4096;
/** The longest body: all records and the head with their frames, in bytes. */
export const MAX_BODY_BYTES = 960 * 1024;
/** The most sectors a batch takes. */
export const MAX_BATCH_SECTORS: number = Math.ceil((HEADER_BYTES + MAX_BODY_BYTES) / PAYLOAD_BYTES);
/** The largest batch on disk, in bytes: below 1 MiB, so that one preallocation always holds it. */
export const MAX_BATCH_BYTES: number = MAX_BATCH_SECTORS * SECTOR_BYTES;

/** The place of the next batch in the chain of all batches. */
export interface ChainPoint {
  readonly batchNo: number;
  /** Sequence number of the first record of that batch. */
  readonly seq: number;
  /** Digest of the batch before; zeros at the very beginning. */
  readonly prevSha256: Uint8Array;
}

/** The chain before its first batch. */
export const CHAIN_START: ChainPoint = { batchNo: 0, seq: 0, prevSha256: new Uint8Array(32) };

/** A batch as it was committed: records in order, and the signed head over them and all before. */
export interface Batch {
  readonly batchNo: number;
  readonly firstSeq: number;
  readonly records: readonly Uint8Array[];
  readonly head: Uint8Array;
}

/** The records and the head of a batch, framed; made where the records are, written where the disk is. */
export interface BatchBody {
  readonly count: number;
  readonly bytes: Uint8Array;
}

/**
 * Frames records and their head: for each a kind byte, `R` or `H`, a length, and the bytes; the head is last.
 *
 * @param memory Where the body is to stand, of {@link MAX_BODY_BYTES}; undefined: in memory of its own.
 * @throws {JournalError} `record_too_long`: no records, too many, or one of these lengths; nothing was written.
 */
export function encodeBody(records: readonly Uint8Array[], head: Uint8Array, memory?: Buffer): BatchBody {
  let length = FRAME_BYTES + head.length;
  for (const record of records) {
    if (record.length > MAX_RECORD_BYTES)
      throw new JournalError('record_too_long', 'a record is longer than 65,535 bytes');
    length += FRAME_BYTES + record.length;
  }
  if (
    records.length === 0 ||
    records.length > MAX_BATCH_RECORDS ||
    head.length > MAX_HEAD_BYTES ||
    length > MAX_BODY_BYTES
  ) {
    throw new JournalError('record_too_long', 'a batch has no records, or more than fit');
  }
  const bytes = memory ? memory.subarray(0, length) : Buffer.allocUnsafe(length);
  let at = 0;
  const put = (kind: number, content: Uint8Array): void => {
    bytes[at] = kind;
    bytes.writeUInt32BE(content.length, at + 1);
    bytes.set(content, at + FRAME_BYTES);
    at += FRAME_BYTES + content.length;
  };
  for (const record of records) put(KIND_RECORD, record);
  put(KIND_HEAD, head);
  return { count: records.length, bytes };
}

/** Memory in which batches are encoded, one after the other: what each made anew would be garbage at once. */
export interface BatchMemory {
  stream: Buffer;
  sectors: Buffer;
}

/**
 * Returns a batch as it stands on the disk, and the place in the chain after it.
 *
 * @param memory Holds the bytes until the next batch is encoded in it; it grows as needed.
 */
export function encodeBatch(
  epoch: number,
  point: ChainPoint,
  body: BatchBody,
  memory: BatchMemory = { stream: Buffer.of(), sectors: Buffer.of() },
): { bytes: Buffer; next: ChainPoint } {
  const length = HEADER_BYTES + body.bytes.length;
  memory.stream = ofLength(length, memory.stream);
  memory.sectors = ofLength(sectorBytes(length), memory.sectors);
  const stream = memory.stream.subarray(0, length);
  BATCH_MAGIC.copy(stream, 0);
  stream.writeUInt32BE(epoch, HEADER.epoch);
  stream.writeUInt32BE(body.count, HEADER.count);
  stream.writeBigUInt64BE(BigInt(point.batchNo), HEADER.batchNo);
  stream.writeBigUInt64BE(BigInt(point.seq), HEADER.firstSeq);
  stream.writeUInt32BE(body.bytes.length, HEADER.bodyLength);
  stream.set(point.prevSha256, HEADER.prevSha256);
  stream.set(body.bytes, HEADER_BYTES);
  const sha256 = batchSha256(stream);
  sha256.copy(stream, HEADER.sha256);
  return {
    bytes: layOut(stream, { epoch, batchNo: point.batchNo }, memory.sectors),
    next: { batchNo: point.batchNo + 1, seq: point.seq + body.count, prevSha256: sha256 },
  };
}

/** Returns the memory when it is long enough, else more. */
function ofLength(length: number, memory: Buffer): Buffer {
  return memory.length >= length ? memory : Buffer.allocUnsafeSlow(Math.max(length, 2 * memory.length));
}

/** The digest of a batch: over its header after the digest, and its body with every kind, length and byte. */
export function batchSha256(stream: Buffer): Buffer {
  return hash('sha256', stream.subarray(HEADER.epoch), 'buffer');
}
