/** What ends and renews all that was made for one lease. None of it is a token. */
export interface Handle {
  /** Of the child token. */
  readonly accessor: string;
  /** What is known when something was made by it. */
  readonly made?:
    | {
        /** Accessor of the session. */
        readonly session: string;
        readonly vaultLease: string;
        /** Until when Vault's lease may be renewed at the most, milliseconds since the epoch. */
        readonly untilMs: number;
      }
    | undefined;
}

export function formatHandle(handle: Handle): string {
  return JSON.stringify(handle);
}

/** Reads what {@link formatHandle} wrote. */
export function parseHandle(text: string): Handle {
  return JSON.parse(text) as Handle;
}
