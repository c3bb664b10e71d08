import type { VerdictWord } from '@tallystick/audit';
import type { Trust } from '../log-options.ts';
import type { Figure } from './figures.ts';
import type { Finding } from './finding.ts';
import type { UnseenLease } from './judge-leases.ts';
import type { ReadReceipts } from './read-receipts.ts';

/** Why it cannot be told whether all that was used is on record. */
export type NotShown =
  | 'key_of_folder'
  | 'log_not_judged'
  | 'no_receipts'
  | 'receipts_lost'
  | 'receipts_missing'
  | 'receipts_unreadable'
  | 'uses_newer'
  | 'uses_older';

/** What `audit reconcile` says. It is JSON, and its members are part of the interface. */
export interface Reconciliation {
  readonly v: 1;
  readonly dir: string;
  readonly key: Trust['source'];
  readonly verdict: VerdictWord;
  readonly notShown: readonly NotShown[];
  readonly log: {
    readonly records: number;
    readonly from: string | null;
    readonly to: string | null;
    /** Records of a later release, and leaves that hold none. */
    readonly notJudged: number;
  };
  readonly receipts: ReadReceipts & {
    readonly files: number;
    readonly runs: number;
    readonly audiences: readonly string[];
    readonly from: string | null;
    readonly to: string | null;
    readonly lost: number;
    readonly gaps: number;
    /** Requests with tokens of issuers that were not asked about. */
    readonly otherIssuers: number;
  };
  readonly figures: readonly Figure[];
  /** Refused requests by their code; what an API says, as all receipts are. */
  readonly refused: Readonly<Record<string, number>>;
  /** At most 1,000. */
  readonly findings: readonly Finding[];
  readonly findingCount: number;
  /** At most 1,000. */
  readonly neverSeen: readonly UnseenLease[];
}

/** How many findings and leases a report lists. */
export const LISTED = 1_000;

/** Facts that the verdict is made of. */
export interface VerdictFacts {
  readonly findings: number;
  readonly key: Trust['source'];
  readonly notJudged: number;
  readonly lines: number;
  readonly lost: number;
  readonly gaps: number;
  readonly unreadable: number;
  readonly newer: number;
  readonly older: number;
}

/** Returns why something is not shown, and the verdict: a finding outweighs what is not shown. */
export function judgeWhole(facts: VerdictFacts): Pick<Reconciliation, 'verdict' | 'notShown'> {
  const reasons: readonly (readonly [NotShown, boolean])[] = [
    ['key_of_folder', facts.key === 'folder'],
    ['log_not_judged', facts.notJudged > 0],
    ['no_receipts', facts.lines === 0],
    ['receipts_lost', facts.lost > 0],
    ['receipts_missing', facts.gaps > 0],
    ['receipts_unreadable', facts.unreadable > 0],
    ['uses_newer', facts.newer > 0],
    ['uses_older', facts.older > 0],
  ];
  const notShown = reasons.filter(([, holds]) => holds).map(([reason]) => reason);
  return { notShown, verdict: facts.findings > 0 ? 'fails' : notShown.length > 0 ? 'not_shown' : 'holds' };
}
