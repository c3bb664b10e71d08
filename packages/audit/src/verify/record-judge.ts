/** What a record, or the order of the records, says against its log. */
export interface RecordFinding {
  /** Against which verdict it speaks: a record that breaks a rule, or one that is missing. */
  readonly verdict: 'integrity' | 'completeness';
  /** Name of the rule, as the judge calls it. */
  readonly rule: string;
  /** Index of the record that it is about, where it is about one. */
  readonly record?: number;
  readonly detail: string;
}

/** Judges what the records of one log say. The verifier shows it every record, in their order; it keeps none. */
export interface RecordJudge {
  /** The bytes are good until it returns. */
  onRecord(index: number, record: Uint8Array): void;
  /** Called once, after the last record. */
  findings(): readonly RecordFinding[];
}
