import type { TlogFault } from '../tlog/tlog-error.ts';

/** What speaks against the integrity of a log, one name for each rule. */
export type IntegrityCode =
  // The head of the log
  | 'checkpoint_missing'
  | 'checkpoint_refused'
  | 'origin_mismatch'
  // Its leaves and tiles
  | 'file_missing'
  | 'bundle_malformed'
  | 'record_size'
  | 'record_changed'
  | 'tile_changed'
  | 'root_mismatch'
  // Earlier heads
  | 'heads_malformed'
  | 'head_refused'
  | 'head_inconsistent'
  // From one log of a sidecar to its next
  | 'link_missing'
  | 'link_mismatch'
  | 'link_forked'
  // What the records say
  | 'record_rule';

/** What the completeness of a log fails by, or is not shown for, one name for each rule. */
export type CompletenessCode =
  | 'not_derived'
  | 'rolled_back'
  | 'rollback_undetectable'
  | 'quorum_missing'
  | 'anchor_old'
  | 'log_missing'
  | 'earlier_log_absent'
  | 'next_log_absent'
  | 'record_gap';

/** One thing that a verifier found, and where. */
export interface Finding<Code extends string> {
  readonly code: Code;
  /** Path below the log's folder. */
  readonly file?: string;
  /** Index of the record, from 0. */
  readonly record?: number;
  /** Number of the head within the file `heads`, from 0. */
  readonly head?: number;
  /** Which rule of the formats is broken, where the code stands for several. */
  readonly fault?: TlogFault;
  /** Which rule about the content of records is broken, as the judge of records calls it. */
  readonly rule?: string;
  readonly detail: string;
}

export type IntegrityFinding = Finding<IntegrityCode>;
export type CompletenessFinding = Finding<CompletenessCode>;

/** The most findings of one verdict that are kept: a folder of noise has one for each of its files. */
export const MAX_FINDINGS = 1000;

/** Findings in their order, up to {@link MAX_FINDINGS}; the rest is counted. */
export class Findings<Code extends string> {
  readonly list: Finding<Code>[] = [];
  #count = 0;

  push(finding: Finding<Code>): void {
    this.#count += 1;
    if (this.list.length < MAX_FINDINGS) this.list.push(finding);
  }

  /** How many there were, the ones that were not kept included. */
  get count(): number {
    return this.#count;
  }
}
