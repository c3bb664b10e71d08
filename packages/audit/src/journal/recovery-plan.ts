import { parseSegmentName, segmentName, TEMPORARY, type SegmentId } from './segment.ts';

/** What the names in a journal's folder mean. */
export interface RecoveryPlan {
  /** The segments that count, oldest first. */
  readonly segments: readonly SegmentId[];
  /** Segments to remove once the newest has been copied: that one, and those which an earlier recovery had copied. */
  readonly superseded: readonly string[];
  /** What a crash left half made. */
  readonly temporary: readonly string[];
  /** Higher than any epoch ever used. */
  readonly nextEpoch: number;
}

/**
 * Reads the names in a journal's folder. Of two segments that begin at one record the later epoch counts: it is a
 * copy, and was whole and durable before it had its name. Names that are not the journal's are left alone.
 */
export function planRecovery(names: readonly string[]): RecoveryPlan {
  const temporary = names.filter(
    (name) => name.endsWith(TEMPORARY) && parseSegmentName(name.slice(0, -TEMPORARY.length)),
  );
  const found = names
    .map(parseSegmentName)
    .filter((id) => id !== undefined)
    .sort((a, b) => a.firstSeq - b.firstSeq || a.epoch - b.epoch);
  const segments = found.filter((id, index) => found[index + 1]?.firstSeq !== id.firstSeq);
  const kept = new Set<SegmentId>(segments.slice(0, -1));
  return {
    segments,
    superseded: found.filter((id) => !kept.has(id)).map(segmentName),
    temporary,
    nextEpoch: Math.max(0, ...found.map(({ epoch }) => epoch)) + 1,
  };
}
