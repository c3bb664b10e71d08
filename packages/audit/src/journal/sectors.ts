import { crc32 } from 'node:zlib';

/** The unit a disk writes whole or not at all, in bytes. */
export const SECTOR_BYTES = 512;
/** What of a sector carries content; its last four bytes are the checksum. */
export const PAYLOAD_BYTES = 508;

const ZEROS = Buffer.alloc(64 * 1024);

/** Which batch sectors belong to. */
export interface SectorOwner {
  readonly epoch: number;
  readonly batchNo: number;
}

/**
 * Lays a stream out in sectors: 508 bytes of it and the CRC-32 of those, each. The checksum starts from the CRC-32 of
 * the batch's epoch and number plus the sector's index in the batch, so that a sector is good in its own place alone
 * and can be judged when the first one, which has the header, is lost.
 *
 * @param memory Where the sectors are to stand: {@link sectorBytes} of it, or more; undefined: in memory of their own.
 */
export function layOut(
  stream: Buffer,
  owner: SectorOwner,
  memory: Buffer = Buffer.allocUnsafe(sectorBytes(stream.length)),
): Buffer {
  const out = memory.subarray(0, sectorBytes(stream.length));
  const seed = sectorSeed(owner);
  for (let index = 0, at = 0; at < out.length; index++, at += SECTOR_BYTES) {
    const copied = stream.copy(out, at, index * PAYLOAD_BYTES, (index + 1) * PAYLOAD_BYTES);
    out.fill(0, at + copied, at + PAYLOAD_BYTES);
    out.writeUInt32BE(sectorCrc(out, at, seed, index), at + PAYLOAD_BYTES);
  }
  return out;
}

/** Returns how many bytes of sectors a stream of so many takes. */
export function sectorBytes(length: number): number {
  return Math.ceil(length / PAYLOAD_BYTES) * SECTOR_BYTES;
}

/** Returns the stream that `count` sectors from `offset` carry, with its padding. */
export function takeUp(bytes: Buffer, offset: number, count: number): Buffer {
  // A buffer of its own: what is read of it may go to another thread, which takes the whole of it along.
  const stream = Buffer.allocUnsafeSlow(count * PAYLOAD_BYTES);
  for (let index = 0; index < count; index++) {
    const at = offset + index * SECTOR_BYTES;
    bytes.copy(stream, index * PAYLOAD_BYTES, at, at + PAYLOAD_BYTES);
  }
  return stream;
}

/** `good`: what was written is there. `zero`: nothing is. `bad`: something else is. */
export type SectorState = 'good' | 'zero' | 'bad';

/** Judges the sector at `at`, as the one with this index of the owner that `seed` stands for. */
export function judgeSector(bytes: Buffer, at: number, seed: number, index: number): SectorState {
  if (at + SECTOR_BYTES > bytes.length) return isZero(bytes, at) ? 'zero' : 'bad';
  if (bytes.readUInt32BE(at + PAYLOAD_BYTES) === sectorCrc(bytes, at, seed, index)) return 'good';
  return isZero(bytes, at, at + SECTOR_BYTES) ? 'zero' : 'bad';
}

/** Returns where the checksums of a batch start from. */
export function sectorSeed({ epoch, batchNo }: SectorOwner): number {
  const key = Buffer.alloc(12);
  key.writeUInt32BE(epoch, 0);
  key.writeBigUInt64BE(BigInt(batchNo), 4);
  return crc32(key);
}

function sectorCrc(bytes: Buffer, at: number, seed: number, index: number): number {
  return crc32(bytes.subarray(at, at + PAYLOAD_BYTES), (seed + index) >>> 0);
}

/** True when all bytes of `[from, to)` are zero. */
export function isZero(bytes: Buffer, from: number, to: number = bytes.length): boolean {
  for (let at = from; at < to; at += ZEROS.length) {
    const end = Math.min(to, at + ZEROS.length);
    if (bytes.compare(ZEROS, 0, end - at, at, end) !== 0) return false;
  }
  return true;
}
