import type { AnchorState } from '@tallystick/audit';

/** How a replica stands. */
export interface ReplicaStatus {
  /** True while it takes what it is given. */
  readonly acknowledged: boolean;
  /** True where it is known to have a head of the log. */
  readonly holdsHead: boolean;
  /** How many records it has acknowledged since the start, under a head of that size. */
  readonly size: number;
  /** Milliseconds since it acknowledged last; null where it has not since the start. */
  readonly ageMs: number | null;
}

/** How well a log is known outside of its machine. */
export interface AnchoringStatus {
  /** `undetectable`: whoever puts an older state of the folder in its place is not found out. */
  readonly rollback: 'detectable' | 'undetectable';
  readonly quorum: AnchorState['quorum'];
  /** The newest head that the quorum or the replica has; its age is null where it is from before the start. */
  readonly anchor: { readonly size: number; readonly ageMs: number | null } | null;
  /** Names of the witnesses that did not cosign when they were asked last. */
  readonly failing: readonly string[];
  /** Null where none is configured. */
  readonly replica: ReplicaStatus | null;
}

/** A log that nobody outside knows. */
export const NOT_ANCHORED: AnchoringStatus = {
  rollback: 'undetectable',
  quorum: 'not_asked',
  anchor: null,
  failing: [],
  replica: null,
};

/** Returns the status that witnesses and a replica make, either of which may be missing. */
export function anchoringStatus(
  witnesses: AnchorState | undefined,
  failing: readonly string[],
  replica: ReplicaStatus | undefined,
): AnchoringStatus {
  const cosigned = witnesses?.anchor ? [{ size: witnesses.anchor.size, ageMs: witnesses.anchor.ageMs }] : [];
  const copied = replica?.holdsHead ? [{ size: replica.size, ageMs: replica.ageMs }] : [];
  const age = ({ ageMs }: { readonly ageMs: number | null }): number => ageMs ?? Infinity;
  const [anchor = null] = [...cosigned, ...copied].toSorted((a, b) => age(a) - age(b));
  return {
    rollback: anchor ? 'detectable' : 'undetectable',
    quorum: witnesses?.quorum ?? 'not_asked',
    anchor,
    failing,
    replica: replica ?? null,
  };
}
