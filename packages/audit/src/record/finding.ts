/**
 * Every rule that a sequence of records may break, and against which verdict that speaks: of what stands there
 * (`integrity`), or of what is not there (`completeness`). A `note` speaks against neither.
 */
export const SEMANTIC_RULES = {
  /** A leaf holds no record, or one that names another place. */
  unreadable: 'integrity',
  /** A leaf is missing from the sequence that was judged. */
  seq_gap: 'completeness',
  /** Time went back by more than the tolerance, and no record says what happened to the clock. */
  time_backwards: 'integrity',
  /** A run of the writer appears that no `log.boot` has announced. */
  boot_unannounced: 'integrity',
  /** The writer ran and said nothing for longer than it may. */
  heartbeat_gap: 'completeness',
  /** A log does not begin with a genesis or an opened shard, or its first record names no fitting head before it. */
  head_lineage: 'integrity',
  /** There are records after the one that closed the shard. */
  after_close: 'integrity',
  /** A shard carried other state over than its first record counts. */
  carried_over: 'completeness',
  /** An upstream was asked to make a credential, and nothing says what came of it. */
  intent_open: 'completeness',
  /** What came of it was never found out: a credential may exist that nobody holds. */
  intent_unresolved: 'completeness',
  /** What an upstream made, or was handed out of it, has no intent before it. */
  without_intent: 'completeness',
  /** A credential was released to an identity that was not in the registry. */
  identity_unregistered: 'integrity',
  /** A record names other rights than those in force. */
  registry_mismatch: 'integrity',
  /** A credential was released to a suspended identity. */
  released_suspended: 'integrity',
  /** A credential was released to an identity after its last day. */
  released_expired: 'integrity',
  /** More was open at once than is kept track of: open intents were not all judged. */
  overflow: 'completeness',
  /** A right was taken away before its record was written. */
  late: 'note',
  /** A type or a version that this release does not know: semantics not judged. */
  not_judged: 'note',
} as const;

export type SemanticRule = keyof typeof SEMANTIC_RULES;

/** Where in a log something is. */
export interface Place {
  readonly origin: string;
  readonly seq: number;
  /** Id of the record; null where it cannot be read. */
  readonly id: string | null;
  readonly time: string | null;
}

/** Takes a finding at the record that is being judged, or at another place. */
export type Report = (rule: SemanticRule, detail: string, place?: Place) => void;

/** What is wrong, or worth knowing, at one record of a log. */
export interface SemanticFinding extends Place {
  readonly rule: SemanticRule;
  /** One sentence. Quotes nothing that a workload may write. */
  readonly detail: string;
}
