/** An entry of the journal: an amount that moves from one account to another. */
export interface Entry {
  readonly number: number;
  readonly debit: string;
  readonly credit: string;
  readonly cents: number;
}

/** What the entries come from. */
export interface Journal {
  entry(number: number): Promise<Entry>;
  /** Notes that the ledger has taken it. */
  posted(number: number): Promise<void>;
  close(): Promise<void>;
}

/** Returns a journal of entries that are all alike. */
export function madeUpJournal(): Journal {
  return {
    entry: async (number) => ({ number, debit: '1000', credit: '2000', cents: 125_00 }),
    posted: async () => {},
    close: async () => {},
  };
}
