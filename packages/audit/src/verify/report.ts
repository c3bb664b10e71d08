import type { NewestAnchor } from './judge-anchors.ts';
import type { CompletenessCode, CompletenessFinding, Findings, IntegrityFinding } from './finding.ts';

/** `not_shown` is what nobody can tell from what was given; it is neither good nor bad news. */
export type VerdictWord = 'holds' | 'fails' | 'not_shown';

export interface Verdict<F> {
  readonly verdict: VerdictWord;
  /** Findings in the order of the files, at most 1,000. */
  readonly findings: readonly F[];
  /** How many there are. */
  readonly count: number;
}

/** What a verifier says of one log. It is JSON, and its members are part of the interface. */
export interface LogReport {
  readonly v: 1;
  /** How far it went: `signature` has read no record, and so says nothing of integrity. */
  readonly level: VerifyLevel;
  /** The newest signed head: root in base64. Null where the checkpoint is refused. */
  readonly head: { readonly origin: string; readonly size: number; readonly root: string } | null;
  /** That what is there is what was logged. */
  readonly integrity: Verdict<IntegrityFinding>;
  /** That all that was logged is there. */
  readonly completeness: Verdict<CompletenessFinding>;
  /** Whether somebody outside would know of an older state of the log in the place of this one. */
  readonly rollback: 'detectable' | 'undetectable';
  readonly anchor: NewestAnchor | null;
  /** How many earlier heads, of which each was verified, the log has grown from. */
  readonly earlierHeads: number;
}

export type VerifyLevel = 'signature' | 'full';

/** Exit codes of a verifier. A file that cannot be read, or a wrong command line, is no verdict at all. */
export const VERIFY_EXIT = { holds: 0, fails: 1, unusable: 2, not_shown: 3 } as const;

/** The verdicts of a report, of one log or of all logs of a folder. */
export interface Verdicts {
  readonly integrity: Pick<Verdict<unknown>, 'verdict'>;
  readonly completeness: Pick<Verdict<unknown>, 'verdict'>;
}

/** Returns the exit code: 0 where both verdicts hold, 1 where one fails, 3 where the rest is not shown. */
export function verifyExitCode({ integrity, completeness }: Verdicts): 0 | 1 | 3 {
  return VERIFY_EXIT[worstOf([integrity, completeness])];
}

/** Returns the verdict over several: it fails where one fails, and holds where all hold. */
export function worstOf(verdicts: readonly Pick<Verdict<unknown>, 'verdict'>[]): VerdictWord {
  const words = verdicts.map(({ verdict }) => verdict);
  return words.includes('fails') ? 'fails' : words.includes('not_shown') ? 'not_shown' : 'holds';
}

/** Returns the verdict of completeness: it fails where records are known to have been there. */
export function completenessVerdict(findings: Findings<CompletenessCode>): Verdict<CompletenessFinding> {
  const fails = findings.list.some(({ code }) => code === 'rolled_back' || code === 'log_missing');
  const verdict = fails ? 'fails' : findings.count > 0 ? 'not_shown' : 'holds';
  return { verdict, findings: findings.list, count: findings.count };
}
