import type { DeniedCounts } from './denied.ts';
import type { Counts } from './judge-leases.ts';

/**
 * On whose word a figure stands: of the record, of the API that verified, or of the workload alone, which nobody should
 * lose a right by.
 */
export type Grade = 'recorded' | 'verified-by-api' | 'reported';

/** The figures in their order, each with its grade. Part of the interface, as all of a report is. */
const GRADES = {
  requests_accepted: 'verified-by-api',
  uses_recorded: 'verified-by-api',
  uses_from_before: 'verified-by-api',
  uses_newer: 'verified-by-api',
  uses_without_record: 'verified-by-api',
  requests_refused: 'verified-by-api',
  tokens_released: 'recorded',
  tokens_seen: 'verified-by-api',
  tokens_never_seen: 'verified-by-api',
  tokens_not_seen_yet: 'verified-by-api',
  tokens_not_watched: 'recorded',
  tokens_undelivered: 'recorded',
  releases_without_receipts: 'recorded',
  uses_reported: 'reported',
  leases_reported_and_seen: 'verified-by-api',
  leases_reported_only: 'reported',
  leases_seen_only: 'verified-by-api',
  denied: 'recorded',
  denied_came: 'verified-by-api',
  denied_never_tried: 'verified-by-api',
} as const satisfies Record<string, Grade>;

export type FigureName = keyof typeof GRADES;

/** One figure, and on whose word it stands. */
export interface Figure {
  readonly figure: FigureName;
  readonly count: number;
  readonly grade: Grade;
}

/** What the figures are made of. */
export interface Counted {
  readonly counts: Readonly<Counts>;
  readonly denied: DeniedCounts;
  /** Requests that were accepted, and refused. */
  readonly accepted: number;
  readonly refused: number;
  /** Requests that were accepted without a record. */
  readonly withoutRecord: number;
  /** Releases of what no API of ours verifies. */
  readonly otherKinds: number;
}

/** Returns all figures, each with its grade. */
export function figuresOf({ counts, denied, accepted, refused, withoutRecord, otherKinds }: Counted): Figure[] {
  const values: Readonly<Record<FigureName, number>> = {
    requests_accepted: accepted,
    uses_recorded: counts.usesRecorded,
    uses_from_before: counts.usesCarried + counts.usesOlder,
    uses_newer: counts.usesNewer,
    uses_without_record: withoutRecord,
    requests_refused: refused,
    tokens_released: counts.released,
    tokens_seen: counts.seen,
    tokens_never_seen: counts.neverSeen,
    tokens_not_seen_yet: counts.notSeenYet,
    tokens_not_watched: counts.notWatched,
    tokens_undelivered: counts.undelivered,
    releases_without_receipts: otherKinds,
    uses_reported: counts.reportedUses,
    leases_reported_and_seen: counts.reportedAndSeen,
    leases_reported_only: counts.reportedUnseen,
    leases_seen_only: counts.seenUnreported,
    denied: denied.pairs,
    denied_came: denied.tried,
    denied_never_tried: denied.neverTried,
  };
  const names = Object.keys(GRADES) as FigureName[];
  return names.map((figure) => ({ figure, count: values[figure], grade: GRADES[figure] }));
}
