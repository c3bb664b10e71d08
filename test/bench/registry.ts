import { AUDIENCE } from '../daemon/daemon.ts';

/** An identity of a made registry. */
export interface MadeIdentity {
  readonly id: string;
  /** Its selectors; those of everyone on the socket where it is absent. */
  readonly match?: readonly string[];
}

/** Returns identities and one credential as YAML, as a configuration has them. */
export function registryOf(identities: readonly MadeIdentity[]): string {
  const expires = new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10);
  const entries = identities.map(
    ({ id, match = ['tallystick:socket:app'] }) => `  - id: ${id}
    owner: team-payments
    purpose: posts the month-end journal
    environment: test
    businessProcesses: [BP-1042]
    expires: ${expires}
    match: [${match.join(', ')}]
    entitlements: [ledger-api]
`,
  );
  return `identities:
${entries.join('')}credentials:
  ledger-api: { provider: issuer, audience: ${AUDIENCE}, scope: journal.write, lifetime: 60m, use: [${AUDIENCE}/] }
`;
}
