/** What is measured in. Smaller is better, but for what is a second. */
export type Unit = 'µs' | 'ms' | 's' | 'bytes' | 'MB' | 'GB' | 'requests/s' | 'records/s' | 'timers';

/** One measured figure: ours, the peer's from the same run, and whether the goal holds. One line of the table. */
export interface Figure {
  /** Stable: what tools and commands name it by. */
  readonly name: string;
  /** What was measured, for people. */
  readonly what: string;
  readonly unit: Unit;
  readonly ours: number;
  readonly peer: number | null;
  /** Whose figure `peer` is; null where there is none. */
  readonly against: string | null;
  /** Ours divided by the peer's; null without a peer. */
  readonly ratio: number | null;
  /** In words; null for a figure that only informs. */
  readonly goal: string | null;
  /** Whether the goal is met; null without a goal. */
  readonly held: boolean | null;
  /** Present where the peer could not be had: its figure is a constant, measured earlier on a machine of this kind. */
  readonly peerFixed?: true;
}

/** How a goal is judged: by the ratio to the peer, or by our figure alone. */
export type Goal =
  | { readonly ratioAtMost: number }
  | { readonly ratioAtLeast: number }
  | { readonly below: number }
  | { readonly atLeast: number };

/** What a figure is made of, before it is judged. */
export interface Measured {
  readonly name: string;
  readonly what: string;
  readonly unit: Unit;
  readonly ours: number;
  readonly peer?: { readonly of: string; readonly value: number; readonly fixed?: true };
  /** The ratio of pairs taken side by side, where there are such; else the ratio of the two figures. */
  readonly ratio?: number;
  readonly goal?: Goal;
}

/** Judges a figure. */
export function figure({ name, what, unit, ours, peer, ratio, goal }: Measured): Figure {
  const against = peer ? (ratio ?? ours / peer.value) : null;
  return {
    name,
    what,
    unit,
    ours: rounded(ours),
    peer: peer ? rounded(peer.value) : null,
    against: peer?.of ?? null,
    ratio: against === null ? null : rounded(against),
    goal: goal ? inWords(goal, unit, peer?.of) : null,
    held: goal ? holds(goal, ours, against) : null,
    ...(peer?.fixed && { peerFixed: true }),
  };
}

function holds(goal: Goal, ours: number, ratio: number | null): boolean {
  if ('below' in goal) return ours < goal.below;
  if ('atLeast' in goal) return ours >= goal.atLeast;
  if (ratio === null) throw new TypeError('a goal by ratio needs a peer');
  return 'ratioAtMost' in goal ? ratio <= goal.ratioAtMost : ratio >= goal.ratioAtLeast;
}

function inWords(goal: Goal, unit: Unit, peer: string | undefined): string {
  if ('below' in goal) return `below ${goal.below} ${unit}`;
  if ('atLeast' in goal) return `at least ${goal.atLeast} ${unit}`;
  return 'ratioAtMost' in goal ? `at most ${goal.ratioAtMost} × ${peer}` : `at least ${goal.ratioAtLeast} × ${peer}`;
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
