import { NO_QUORUM, type TlogPolicy } from '../tlog/tlog-policy.ts';
import type { CompletenessCode, Findings } from './finding.ts';
import type { TrustedHead } from './trust.ts';

/** A head of the log that somebody else has seen, so that it cannot be taken back unseen. */
export interface NewestAnchor {
  readonly size: number;
  /** When it was seen, in milliseconds since the epoch; null where nobody says. */
  readonly timeMs: number | null;
  /** How old it is, in milliseconds. */
  readonly ageMs: number | null;
  /** Records since then: a log that ended before them would look no worse. */
  readonly recordsSince: number;
}

/** What the anchors of a log are judged by. */
export interface JudgeAnchorsOptions {
  readonly policy: TlogPolicy;
  readonly size: number;
  /** The newest head, and the earlier ones that hold. */
  readonly heads: readonly TrustedHead[];
  /** The head that was kept outside, and when, in milliseconds since the epoch. */
  readonly from: { readonly size: number; readonly timeMs?: number | undefined } | undefined;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  readonly maxAnchorAgeMs: number;
}

/**
 * Returns the newest anchor of a log, or null, and adds to the findings why records at its end could be missing. A log
 * alone cannot show that: whoever can write its folder can put an older state of the folder in its place.
 */
export function judgeAnchors(
  options: JudgeAnchorsOptions,
  completeness: Findings<CompletenessCode>,
): NewestAnchor | null {
  const { policy, size, nowMs, maxAnchorAgeMs } = options;
  const anchor = newestAnchor(options);
  if (policy.quorum !== NO_QUORUM && !options.heads.some(({ witnessedMs }) => witnessedMs !== undefined)) {
    const detail = `no head is cosigned by the quorum ${policy.quorum} of the policy`;
    completeness.push({ code: 'quorum_missing', detail });
  }
  if (!anchor) {
    const detail = 'nobody outside has seen a head of the log: an older state of it would look no worse';
    completeness.push({ code: 'rollback_undetectable', detail });
    return null;
  }
  const ageMs = anchor.timeMs === null ? null : Math.max(0, nowMs - anchor.timeMs);
  if (ageMs === null || ageMs > maxAnchorAgeMs) {
    const age = ageMs === null ? 'of unknown age' : `${Math.floor(ageMs / 1000)} s old`;
    const detail = `the newest anchor, of ${anchor.size} records, is ${age}: what was logged since could be missing`;
    completeness.push({ code: 'anchor_old', detail });
  }
  return { ...anchor, ageMs, recordsSince: size - anchor.size };
}

function newestAnchor({ heads, from }: JudgeAnchorsOptions): { size: number; timeMs: number | null } | undefined {
  const anchors = heads.flatMap(({ size, witnessedMs }) =>
    witnessedMs === undefined ? [] : [{ size, timeMs: witnessedMs as number | null }],
  );
  if (from) anchors.push({ size: from.size, timeMs: from.timeMs ?? null });
  return anchors.toSorted((a, b) => a.size - b.size || (a.timeMs ?? 0) - (b.timeMs ?? 0)).at(-1);
}
