/** The rules that every provider is held to, in the order of the table. */
export const CONTRACT_CASES = [
  'mint',
  'lease id',
  'keep',
  'session',
  'renew',
  'rotate',
  'revoke',
  'denial',
  'outage',
  'half',
  'slowness',
  'garbage',
  'oversize',
  'rate limit',
  'failure',
  'cancellation',
  'shutdown',
  'canary',
] as const;

/** One rule of the contract. */
export type ContractCase = (typeof CONTRACT_CASES)[number];

/** One row of the table "provider x case". */
export interface ContractRow {
  begin(name: ContractCase): void;
  /** @param reason Why there cannot be this case. */
  end(name: ContractCase, reason: string | undefined): void;
  print(): void;
}

export function contractRow(title: string): ContractRow {
  const outcomes = new Map<ContractCase, string>();
  return {
    begin: (name) => outcomes.set(name, 'FAILS'),
    end: (name, reason) => outcomes.set(name, reason === undefined ? 'holds' : 'cannot'),
    print() {
      // A row of a part of the suite would read as if the rest were not there.
      if (outcomes.size < CONTRACT_CASES.length) return;
      const cells = CONTRACT_CASES.map((name) => `${name} ${outcomes.get(name)}`);
      process.stdout.write(`\nPROVIDER CONTRACT | ${title} | ${cells.join(' | ')}\n`);
    },
  };
}
