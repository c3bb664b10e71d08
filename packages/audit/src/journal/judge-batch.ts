import {
  BATCH_MAGIC,
  batchSha256,
  FRAME_BYTES,
  HEADER,
  HEADER_BYTES,
  KIND_HEAD,
  KIND_RECORD,
  MAX_BATCH_RECORDS,
  MAX_BATCH_SECTORS,
  MAX_BODY_BYTES,
  MAX_HEAD_BYTES,
  MAX_RECORD_BYTES,
  type Batch,
  type ChainPoint,
} from './batch.ts';
import { isZero, judgeSector, PAYLOAD_BYTES, SECTOR_BYTES, sectorSeed, takeUp } from './sectors.ts';

/** What is found where a batch may begin. */
export type BatchVerdict =
  /** A whole batch, the next one of the chain. It ends at `end`. */
  | { readonly kind: 'complete'; readonly batch: Batch; readonly next: ChainPoint; readonly end: number }
  /** The next batch of the chain, of which `found` sectors are as written and the rest is zero: never acknowledged. */
  | { readonly kind: 'torn'; readonly found: number }
  /** Anything else. `offset` is the first byte that is not as it must be. */
  | { readonly kind: 'damaged'; readonly offset: number; readonly why: string }
  /** Nothing but zeros. */
  | { readonly kind: 'end' };

/**
 * Judges the bytes from `offset`, a multiple of 512, to their end, where the batch at `point` of the chain is
 * expected. Never throws, whatever the bytes are.
 *
 * `torn` is said of the last batch alone: not when anything follows it that is not its own.
 */
export function judgeBatch(bytes: Buffer, offset: number, epoch: number, point: ChainPoint): BatchVerdict {
  if (isZero(bytes, offset)) return { kind: 'end' };
  const seed = sectorSeed({ epoch, batchNo: point.batchNo });
  const damaged = (at: number, why: string): BatchVerdict => ({ kind: 'damaged', offset: at, why });

  const first = judgeSector(bytes, offset, seed, 0);
  if (first === 'bad') return damaged(offset, 'the first sector of a batch is not what was written');
  // Without its header the length is unknown: all that follows must then belong to this batch, or be zero.
  let count = Math.min(MAX_BATCH_SECTORS, Math.ceil((bytes.length - offset) / SECTOR_BYTES));
  if (first === 'good') {
    const bodyLength = headerBodyLength(takeUp(bytes, offset, 1), epoch, point);
    if (bodyLength === undefined) return damaged(offset, 'the header of a batch contradicts what stands before it');
    count = Math.ceil((HEADER_BYTES + bodyLength) / PAYLOAD_BYTES);
    if (offset + count * SECTOR_BYTES > bytes.length) return damaged(bytes.length, 'the file ends inside a batch');
  }
  const end = offset + count * SECTOR_BYTES;

  let found = 0;
  for (let index = 0; index < count; index++) {
    const at = offset + index * SECTOR_BYTES;
    const state = judgeSector(bytes, at, seed, index);
    if (state === 'bad') return damaged(at, 'a sector of a batch is not what was written');
    if (state === 'good') found++;
  }
  if (found < count) {
    if (!isZero(bytes, end)) return damaged(end, 'a batch with missing sectors is followed by others');
    return { kind: 'torn', found };
  }
  const read = parse(takeUp(bytes, offset, count), point);
  return read ? { kind: 'complete', ...read, end } : damaged(offset, 'a batch contradicts its own digest');
}

function headerBodyLength(stream: Buffer, epoch: number, point: ChainPoint): number | undefined {
  const bodyLength = stream.readUInt32BE(HEADER.bodyLength);
  const ok =
    stream.compare(BATCH_MAGIC, 0, BATCH_MAGIC.length, 0, BATCH_MAGIC.length) === 0 &&
    stream.readUInt32BE(HEADER.epoch) === epoch &&
    stream.readBigUInt64BE(HEADER.batchNo) === BigInt(point.batchNo) &&
    stream.readBigUInt64BE(HEADER.firstSeq) === BigInt(point.seq) &&
    stream.compare(point.prevSha256, 0, 32, HEADER.prevSha256, HEADER_BYTES) === 0 &&
    bodyLength <= MAX_BODY_BYTES;
  return ok ? bodyLength : undefined;
}

function parse(stream: Buffer, point: ChainPoint): { batch: Batch; next: ChainPoint } | undefined {
  const count = stream.readUInt32BE(HEADER.count);
  const end = HEADER_BYTES + stream.readUInt32BE(HEADER.bodyLength);
  const sha256 = batchSha256(stream.subarray(0, end));
  if (sha256.compare(stream, HEADER.sha256, HEADER.epoch) !== 0 || !isZero(stream, end)) return undefined;
  if (count === 0 || count > MAX_BATCH_RECORDS) return undefined;

  let at = HEADER_BYTES;
  const take = (kind: number, limit: number): Buffer | undefined => {
    if (at + FRAME_BYTES > end || stream[at] !== kind) return undefined;
    const from = at + FRAME_BYTES;
    const length = stream.readUInt32BE(at + 1);
    if (length > limit || from + length > end) return undefined;
    at = from + length;
    return stream.subarray(from, at);
  };
  const records: Buffer[] = [];
  while (records.length < count) {
    const record = take(KIND_RECORD, MAX_RECORD_BYTES);
    if (!record) return undefined;
    records.push(record);
  }
  const head = take(KIND_HEAD, MAX_HEAD_BYTES);
  if (!head || at !== end) return undefined;
  return {
    batch: { batchNo: point.batchNo, firstSeq: point.seq, records, head },
    next: { batchNo: point.batchNo + 1, seq: point.seq + count, prevSha256: sha256 },
  };
}
