import { encodeBatch, encodeBody, type Batch, type ChainPoint } from './batch.ts';
import { writeAll, type Disk, type DiskFile } from './disk.ts';
import { diskError } from './journal-error.ts';
import { SECTOR_BYTES } from './sectors.ts';
import { encodeSegmentHeader, segmentName, TEMPORARY } from './segment.ts';

/** How large segments are, in bytes; both are multiples of 512. */
export interface SegmentSizes {
  /** Preallocated at a time. A segment is never shorter, and every batch fits into it. */
  readonly unitBytes: number;
  /** A segment that would grow beyond this is full. */
  readonly segmentBytes: number;
}

/** 1 MiB at a time, up to 16 MiB. */
export const SEGMENT_SIZES: SegmentSizes = { unitBytes: 1024 * 1024, segmentBytes: 16 * 1024 * 1024 };

/** The segment that is being written. Every error of it is final: nothing that was begun is tried again. */
export interface SegmentFile {
  readonly name: string;
  /** Where the chain stands after its last durable batch. */
  readonly next: ChainPoint;
  /** True when a batch of so many bytes still fits. */
  fits(byteLength: number): boolean;
  /** Writes one batch and returns when it is durable. */
  append(bytes: Buffer, next: ChainPoint): void;
  close(): void;
}

/**
 * Makes a segment that begins at `start` with the given batches, under a temporary name first, so that a segment's
 * name is never durable before its content. Returns when both are.
 *
 * @throws {JournalError} `write_failed`, `sync_failed`, `disk_full`
 */
export function createSegment(
  disk: Disk,
  epoch: number,
  start: ChainPoint,
  batches: readonly Batch[],
  { unitBytes, segmentBytes }: SegmentSizes,
): SegmentFile {
  const name = segmentName({ firstSeq: start.seq, epoch });
  const describe = `journal segment "${name}"`;
  let file: DiskFile | undefined;
  let next = start;
  let offset = 0;
  let allocated = 0;

  const step = <T>(fault: 'write_failed' | 'sync_failed', what: string, call: () => T): T => {
    try {
      return call();
    } catch (error) {
      throw diskError(fault, `${describe} could not be ${what}`, error);
    }
  };
  const allocate = (to: number): void => {
    const length = Math.ceil((to - allocated) / unitBytes) * unitBytes;
    if (length <= 0) return;
    step('write_failed', 'extended', () => writeAll(file!, Buffer.alloc(length), allocated));
    allocated += length;
  };
  const write = (bytes: Buffer): void => {
    step('write_failed', 'written', () => writeAll(file!, bytes, offset));
    offset += bytes.length;
  };
  const datasync = (): void => step('sync_failed', 'made durable', () => file!.datasync());

  file = step('write_failed', 'made', () => disk.create(name + TEMPORARY));
  try {
    allocate(unitBytes);
    write(encodeSegmentHeader({ epoch, start, unitBytes }));
    // Many small batches by one write: a copy of a full segment has thousands.
    let gathered: Buffer[] = [];
    let length = 0;
    const writeGathered = (): void => {
      allocate(offset + length);
      write(Buffer.concat(gathered));
      gathered = [];
      length = 0;
    };
    for (const batch of batches) {
      const encoded = encodeBatch(epoch, next, encodeBody(batch.records, batch.head));
      length += encoded.bytes.length;
      next = encoded.next;
      if (gathered.push(encoded.bytes) && length >= unitBytes) writeGathered();
    }
    if (length > 0) writeGathered();
    datasync();
    step('write_failed', 'named', () => disk.rename(name + TEMPORARY, name));
    step('sync_failed', 'named durably', () => disk.syncFolder());
  } catch (error) {
    file.close();
    throw error;
  }

  return {
    name,
    get next() {
      return next;
    },
    fits: (byteLength) => offset === SECTOR_BYTES || offset + byteLength <= segmentBytes,
    append(bytes, after) {
      if (offset + bytes.length > allocated) {
        allocate(offset + bytes.length);
        // Durable by itself: then a batch never runs over the end of the file, and one that does was cut off.
        datasync();
      }
      write(bytes);
      datasync();
      next = after;
    },
    close: () => file.close(),
  };
}
