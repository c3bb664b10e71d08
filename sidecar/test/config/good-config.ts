/** A configuration without a mistake and without a warning, for tests to change. */
export const GOOD = `version: 1
trustDomain: acme.example
state: /var/lib/tallystick-test-that-is-not-there
listen:
  workload: unix:///run/tallystick/api.sock
  admin: /run/tallystick-admin/admin.sock
issuer: { url: https://tallystick.acme.example }
identities:
  - id: spiffe://acme.example/payments/close-batch
    owner: team-payments
    purpose: posts the month-end journal
    environment: production
    expires: 2027-06-30
    match: [unix:uid:1001]
    entitlements: [ledger-api]
credentials:
  ledger-api:
    provider: issuer
    audience: https://ledger.acme.example
    scope: journal.write
    use: [https://ledger.acme.example/]
`;
