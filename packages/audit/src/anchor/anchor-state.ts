import { NO_QUORUM, type TlogPolicy } from '../tlog/tlog-policy.ts';
import type { TrustedHead } from '../verify/trust.ts';

/** Who has cosigned a head, and since when. */
export interface AnchorFacts {
  /** Number of records that cannot be taken back unseen. */
  readonly size: number;
  /** Names of the policy. */
  readonly witnesses: readonly string[];
  /** When the last of the cosignatures it takes was known to be there: the earliest of their times. Milliseconds since the epoch. */
  readonly timeMs: number;
  /** Milliseconds since then. */
  readonly ageMs: number;
}

/** How well a rollback of a log would show, for status and metrics. */
export interface AnchorState {
  /** `undetectable`: whoever puts an older state of the folder in its place is not found out. */
  readonly rollback: 'detectable' | 'undetectable';
  /** Whether the newest cosigned head has the quorum of the policy; `not_asked` where the policy asks for no witness. */
  readonly quorum: 'reached' | 'missed' | 'not_asked';
  /** The newest head that has the quorum; null where there is none. */
  readonly anchor: AnchorFacts | null;
  /** The newest head that any witness of the policy has cosigned; null where there is none. */
  readonly cosigned: AnchorFacts | null;
}

/** What {@link anchorState} judges. */
export interface AnchorStateOptions {
  /** Heads of one log, in any order, whose signatures are verified. */
  readonly heads: readonly TrustedHead[];
  readonly policy: TlogPolicy;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/** Returns how well a rollback of the log would show. */
export function anchorState({ heads, policy, nowMs }: AnchorStateOptions): AnchorState {
  const cosigned = newestOf(heads.filter(({ cosignatures }) => cosignatures.length > 0));
  const anchor = newestOf(heads.filter(({ witnessedMs }) => witnessedMs !== undefined));
  const reached = cosigned !== undefined && cosigned === anchor;
  return {
    rollback: anchor ? 'detectable' : 'undetectable',
    quorum: policy.quorum === NO_QUORUM ? 'not_asked' : reached ? 'reached' : 'missed',
    anchor: anchor ? factsOf(anchor, nowMs) : null,
    cosigned: cosigned ? factsOf(cosigned, nowMs) : null,
  };
}

/** Returns the largest head; of several of one size the one that was cosigned last. */
export function newestOf<Head extends TrustedHead>(heads: readonly Head[]): Head | undefined {
  return heads.toSorted((a, b) => a.size - b.size || timeOf(a) - timeOf(b)).at(-1);
}

function factsOf(head: TrustedHead, nowMs: number): AnchorFacts {
  const timeMs = timeOf(head) * 1000;
  const witnesses = [...new Set(head.cosignatures.map(({ witness }) => witness))];
  // A witness may be a little ahead of us: its cosignature is not from the future for that.
  return { size: head.size, witnesses, timeMs, ageMs: Math.max(0, nowMs - timeMs) };
}

const timeOf = ({ cosignatures }: TrustedHead): number => Math.min(...cosignatures.map(({ time }) => time));
