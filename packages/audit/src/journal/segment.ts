import { hash } from 'node:crypto';
import type { ChainPoint } from './batch.ts';
import { isZero, SECTOR_BYTES } from './sectors.ts';

/** A segment's file name says which record is its first, and which start of the journal wrote it. */
export interface SegmentId {
  readonly firstSeq: number;
  readonly epoch: number;
}

const NAME = /^(\d{16})-(\d{10})\.journal$/;
/** What the name of a file ends in while it is not a segment yet. */
export const TEMPORARY = '.tmp';

/** Names sort as the records do, and those of one place by their epoch. */
export function segmentName({ firstSeq, epoch }: SegmentId): string {
  return `${String(firstSeq).padStart(16, '0')}-${String(epoch).padStart(10, '0')}.journal`;
}

/** Returns what a name says; undefined of a file that is no segment. */
export function parseSegmentName(name: string): SegmentId | undefined {
  const match = NAME.exec(name);
  if (!match) return undefined;
  const id = { firstSeq: Number(match[1]), epoch: Number(match[2]) };
  return Number.isSafeInteger(id.firstSeq) && id.epoch <= 0xffff_ffff ? id : undefined;
}

/** What the first sector of a segment says. */
export interface SegmentHeader {
  readonly epoch: number;
  readonly start: ChainPoint;
  /** The segment was preallocated by so many bytes before it had its name: a shorter one was cut. */
  readonly unitBytes: number;
}

const MAGIC = Buffer.from('TSJOURNL', 'latin1');
const VERSION = 1;
const CONTENT_BYTES = 68;
const DIGEST_BYTES = 32;

/**
 * Returns the first sector of a segment: where in the chain it begins, so that it can be read when all before it are
 * gone. Big-endian: magic (8 bytes), version (4), epoch (4), sequence number of the first record (8), number of the
 * first batch (8), SHA-256 of the batch before (32), bytes preallocated at least (4), SHA-256 of these 68 bytes (32),
 * zeros.
 */
export function encodeSegmentHeader({ epoch, start, unitBytes }: SegmentHeader): Buffer {
  const sector = Buffer.alloc(SECTOR_BYTES);
  MAGIC.copy(sector, 0);
  sector.writeUInt32BE(VERSION, 8);
  sector.writeUInt32BE(epoch, 12);
  sector.writeBigUInt64BE(BigInt(start.seq), 16);
  sector.writeBigUInt64BE(BigInt(start.batchNo), 24);
  sector.set(start.prevSha256, 32);
  sector.writeUInt32BE(unitBytes, 64);
  hash('sha256', sector.subarray(0, CONTENT_BYTES), 'buffer').copy(sector, CONTENT_BYTES);
  return sector;
}

/** Returns what a first sector says; `newer` where a later version wrote it, undefined where it is no first sector. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | 'newer' | undefined {
  if (bytes.length < SECTOR_BYTES || bytes.compare(MAGIC, 0, MAGIC.length, 0, MAGIC.length) !== 0) return undefined;
  const digest = hash('sha256', bytes.subarray(0, CONTENT_BYTES), 'buffer');
  const end = CONTENT_BYTES + DIGEST_BYTES;
  if (digest.compare(bytes, CONTENT_BYTES, end) !== 0 || !isZero(bytes, end, SECTOR_BYTES)) return undefined;
  if (bytes.readUInt32BE(8) !== VERSION) return 'newer';
  const [seq, batchNo] = [bytes.readBigUInt64BE(16), bytes.readBigUInt64BE(24)];
  if (seq > Number.MAX_SAFE_INTEGER || batchNo > Number.MAX_SAFE_INTEGER) return undefined;
  const prevSha256 = Uint8Array.prototype.slice.call(bytes, 32, 64);
  const start = { batchNo: Number(batchNo), seq: Number(seq), prevSha256 };
  return { epoch: bytes.readUInt32BE(12), start, unitBytes: bytes.readUInt32BE(64) };
}
