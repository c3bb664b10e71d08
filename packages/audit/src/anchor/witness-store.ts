/** What a change makes of the state of an origin. */
export interface StateChange<Answer> {
  /** The new state; absent where it stays. */
  readonly next?: Uint8Array;
  /** Given to the caller once the new state is durable. */
  readonly answer: Answer;
}

/** Where a witness keeps the newest checkpoint that it has cosigned, for each origin. */
export interface WitnessStore {
  /**
   * Reads the state of an origin, lets it be judged, and resolves with the answer when the new state is durable. No
   * other change of that origin happens meanwhile, in this process or in another: that is what keeps a witness from
   * going back (tlog-witness, add-checkpoint, the race at its end).
   *
   * It rejects with what `change` throws, and then nothing has changed. Where it rejects for the store, the state may be
   * the old or the new one, and nobody may be told of the new one.
   *
   * @param change Called with undefined for an origin that has no state.
   */
  update<Answer>(origin: string, change: (state: Uint8Array | undefined) => StateChange<Answer>): Promise<Answer>;
}
