/** SPIFFE IDs of the demo. */
export const SERVICE = 'spiffe://acme.example/payments/close-batch';
export const API = 'spiffe://acme.example/payments/ledger-api';
export const AUDIENCE = 'https://ledger.acme.example';
export const ISSUER = 'https://tallystick.acme.example';
export const PROCESS = 'BP-1042';
export const RUN = '2026-11';

/** Seconds: tokens live so shortly here that one sees them rotate. */
export const LIFETIME_SECONDS = 12;

/** Returns the sidecar's configuration. One socket for each of the two programs: that is how it tells them apart. */
export function demoConfig(folder: string, ports: { readonly public: number }, ledger: string): string {
  return `version: 1
trustDomain: acme.example
state: ${folder}/state
listen:
  workload: [{ name: app, path: ${folder}/run/app/api.sock }, { name: api, path: ${folder}/run/api/api.sock }]
  admin: ${folder}/run/admin/admin.sock
  public: http://127.0.0.1:${ports.public}
issuer: { url: ${ISSUER}, signer: local }
identities:
  - id: ${SERVICE}
    owner: team-payments
    purpose: posts the month-end journal
    environment: demo
    businessProcesses: [${PROCESS}]
    expires: ${new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10)}
    match: [tallystick:socket:app]
    entitlements: [ledger-api]
  - id: ${API}
    owner: team-ledger
    purpose: keeps the ledger
    environment: demo
    businessProcesses: [${PROCESS}]
    expires: ${new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10)}
    match: [tallystick:socket:api]
    receives: [${AUDIENCE}]
    entitlements: []
credentials:
  ledger-api:
    provider: issuer
    audience: ${AUDIENCE}
    scope: journal.write
    lifetime: ${LIFETIME_SECONDS}s
    use: [${ledger}/]
  payroll-api:
    provider: issuer
    audience: https://payroll.acme.example
    scope: salaries.read
    use: [https://payroll.acme.example/]
`;
}
