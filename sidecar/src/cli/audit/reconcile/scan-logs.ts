import { knownRecordOf, recordOf } from '@tallystick/audit';
import { signedLeaves, type SignedLog } from '../signed-log.ts';
import type { Denied } from './denied.ts';
import { EndedRights } from './ended-rights.ts';
import { factsOfRecord } from './facts-of-record.ts';
import type { Period } from './scan-receipts.ts';
import type { SortedFacts } from './sorted-facts.ts';

/** What the logs say, beside what they say of each lease. */
export interface ScannedLogs {
  readonly rights: EndedRights;
  readonly records: number;
  /** Leaves that hold no record, or one of a later release. */
  readonly notJudged: number;
  /** Releases of what no API of ours verifies. */
  readonly otherKinds: number;
  /** Times of the first record and of the newest one; null where there is none. */
  readonly from: string | null;
  readonly to: string | null;
}

/**
 * Reads every leaf under the signed heads once, and keeps what they say of leases as facts.
 *
 * @throws {TallystickError} `log_invalid`: the leaves are not those under the heads.
 */
export function scanLogs(
  logs: readonly SignedLog[],
  { period, facts, denied }: { readonly period: Period; readonly facts: SortedFacts; readonly denied: Denied },
): ScannedLogs {
  const rights = new EndedRights();
  const scanned = { records: 0, notJudged: 0, otherKinds: 0, from: null as string | null, to: null as string | null };
  for (const log of logs) {
    for (const leaf of signedLeaves(log)) {
      scanned.records += 1;
      const time = recordOf(leaf)?.time ?? null;
      scanned.from ??= time;
      if (time !== null && (scanned.to === null || Date.parse(time) > Date.parse(scanned.to))) scanned.to = time;
      const record = knownRecordOf(leaf);
      if (!record) {
        scanned.notJudged += 1;
        continue;
      }
      rights.apply(record);
      const ms = Date.parse(record.time);
      if (record.type === 'credential.denied' && ms >= period.fromMs && ms < period.toMs) denied.deny(record);
      if (record.type === 'credential.released' && record.body.handles?.jti === undefined) scanned.otherKinds += 1;
      for (const { group, fact } of factsOfRecord(record)) facts.add(group, fact);
    }
  }
  return { rights, ...scanned };
}
