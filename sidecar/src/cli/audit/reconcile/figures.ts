import type { DeniedCounts } from './denied.ts';
import type { Counts } from './judge-leases.ts';

/**
 * On whose word a figure stands: of the record, of the API that verified, or of the workload alone, which nobody should
 * lose a right by.
 */
export type Grade = 'recorded' | 'verified-by-api' | 'reported';

/** One figure, and on whose word it stands. */
export interface Figure {
  readonly figure: string;
  readonly count: number;
  readonly grade: Grade;
}

/** What the figures are made of. */
export interface Counted {
  readonly counts: Readonly<Counts>;
  readonly denied: DeniedCounts;
  /** Requests that were accepted. */
  readonly accepted: number;
  /** Requests that were refused, by code. */
  readonly refused: ReadonlyMap<string, number>;
  /** Requests of findings by their code. */
  readonly withoutRecord: number;
  /** Releases of what no API of ours verifies. */
  readonly otherKinds: number;
}

/** Returns all figures, each with its grade. */
export function figuresOf({ counts, denied, accepted, refused, withoutRecord, otherKinds }: Counted): Figure[] {
  const verified = (figure: string, count: number): Figure => ({ figure, count, grade: 'verified-by-api' });
  const recorded = (figure: string, count: number): Figure => ({ figure, count, grade: 'recorded' });
  const reported = (figure: string, count: number): Figure => ({ figure, count, grade: 'reported' });
  return [
    verified('requests accepted', accepted),
    verified('  of leases on record', counts.usesRecorded),
    verified('  of leases from before this log', counts.usesCarried + counts.usesOlder),
    verified('  after the end of this log', counts.usesNewer),
    verified('  without a record', withoutRecord),
    verified(
      'requests refused',
      [...refused.values()].reduce((sum, count) => sum + count, 0),
    ),
    ...[...refused].sort(byName).map(([code, count]) => verified(`  ${code}`, count)),
    recorded('tokens released', counts.released),
    verified('  seen by an API', counts.seen),
    verified('  never seen, by an API that was watched', counts.neverSeen),
    verified('  not seen yet', counts.notSeenYet),
    recorded('  for an API or a time without receipts', counts.notWatched),
    recorded('  not delivered', counts.undelivered),
    recorded('releases of what leaves no receipts', otherKinds),
    reported('uses reported by workloads', counts.reportedUses),
    verified('  leases reported, and seen by an API', counts.reportedAndSeen),
    reported('  leases reported alone', counts.reportedUnseen),
    verified('  leases seen by an API alone', counts.seenUnreported),
    recorded('identities denied, by what they asked for', denied.pairs),
    verified('  came to the API nonetheless', denied.tried),
    verified('  never tried', denied.neverTried),
  ];
}

function byName([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a < b ? -1 : 1;
}
