/** What the log program is asked for: appends, each of so many asking anew once its record is durable. */
export interface AppendCommand {
  readonly concurrency: number;
  readonly forMs: number;
  /** True: the bytes are made of a record each time, as the sidecar does; else most of them are there already. */
  readonly encode: boolean;
}

export interface Appended {
  readonly perSecond: number;
}
