import type { Batch, ChainPoint } from './batch.ts';
import { judgeBatch } from './judge-batch.ts';
import { JournalError } from './journal-error.ts';
import { SECTOR_BYTES } from './sectors.ts';
import { decodeSegmentHeader, segmentName, type SegmentId } from './segment.ts';

/** A segment whose every byte is accounted for. */
export interface SegmentReading {
  readonly start: ChainPoint;
  readonly batches: readonly Batch[];
  /** The place in the chain after its last batch. */
  readonly next: ChainPoint;
  /** Sectors found of a batch that was never acknowledged; zero when there is none. */
  readonly torn: number;
}

/** What the segments before have to do with this one. */
export interface SegmentContext {
  /** Where the chain stands after the segment before; undefined of the oldest one. */
  readonly after: ChainPoint | undefined;
  /** Only the newest segment may end in a torn batch: it was the one being written. */
  readonly newest: boolean;
}

/**
 * Judges a whole segment, without reading or writing anything.
 *
 * @throws {JournalError} `damaged`, `gap` or `newer`, with the place.
 */
export function judgeSegment(bytes: Buffer, id: SegmentId, { after, newest }: SegmentContext): SegmentReading {
  const segment = segmentName(id);
  const refuse = (offset: number, why: string): never => {
    throw new JournalError('damaged', `journal segment "${segment}" is damaged at byte ${offset}: ${why}`, {
      place: { segment, offset },
    });
  };
  const header = decodeSegmentHeader(bytes);
  if (header === 'newer') throw new JournalError('newer', `journal segment "${segment}" is of a later version`);
  if (!header) return refuse(0, 'its first sector is not what was written');
  const { epoch, start, unitBytes } = header;
  if (epoch !== id.epoch || start.seq !== id.firstSeq) return refuse(0, 'its first sector contradicts its name');
  if (bytes.length < unitBytes) return refuse(bytes.length, 'the file was cut short');
  if (after) checkFollows(segment, start, after);

  const batches: Batch[] = [];
  let next = start;
  let offset = SECTOR_BYTES;
  for (;;) {
    const verdict = judgeBatch(bytes, offset, epoch, next);
    switch (verdict.kind) {
      case 'complete':
        batches.push(verdict.batch);
        next = verdict.next;
        offset = verdict.end;
        break;
      case 'end':
        return { start, batches, next, torn: 0 };
      case 'torn':
        if (!newest) return refuse(offset, 'a batch has missing sectors, and segments follow');
        return { start, batches, next, torn: verdict.found };
      case 'damaged':
        return refuse(verdict.offset, verdict.why);
    }
  }
}

function checkFollows(segment: string, start: ChainPoint, after: ChainPoint): void {
  if (start.seq > after.seq || start.batchNo > after.batchNo) {
    throw new JournalError(
      'gap',
      `records ${after.seq} to ${start.seq - 1} are missing before journal segment "${segment}"`,
      {
        place: { segment, offset: 0 },
      },
    );
  }
  if (
    start.seq !== after.seq ||
    start.batchNo !== after.batchNo ||
    Buffer.compare(start.prevSha256, after.prevSha256) !== 0
  ) {
    throw new JournalError('damaged', `journal segment "${segment}" does not continue the one before it`, {
      place: { segment, offset: 0 },
    });
  }
}
