import type { CredentialType, ErrorCode } from '@tallystick/core';
import { AUDIENCE, SERVICE } from '../daemon/daemon.ts';
import { vaultSettings } from '../interop/vault/furnished-vault.ts';
import { BAD_ANSWERS } from './bad-answers.ts';
import type { ProxiedAnswer, RecordingProxy } from './recording-proxy.ts';

/** What stands between the sidecar and each upstream. */
export interface UpstreamProxies {
  readonly vault: RecordingProxy;
  readonly sso: RecordingProxy;
  readonly aws: RecordingProxy;
}

export const FEDERATION = 'https://federation.acme.example';
export const ROLE = 'arn:aws:iam::123456789012:role/ledger-files';

/** Credentials that are used. */
export const TAKEN: readonly (readonly [credential: string, type: CredentialType])[] = [
  ['api-key', 'secret'],
  ['ledger-db', 'database'],
  ['batch-tls', 'x509'],
  ['deploy-ssh', 'ssh'],
  ['erp-api', 'access-token'],
  ['secret-api', 'access-token'],
  ['files', 'aws'],
];

/** An answer whose canary nobody may repeat. */
const said = (name: string) => BAD_ANSWERS[name] as { status: number; headers?: Record<string, string>; body: string };
const { body: CANARY } = said('with 500');
const answer =
  (status: number, body: string, headers = {}) =>
  (): ProxiedAnswer => ({ status, headers, body });
const failed = answer(500, CANARY);
const page = answer(200, said('with HTML').body, said('with HTML').headers);
/** What is left of an answer can be parsed no more, and a parser would quote it. */
const cut = (whole: ProxiedAnswer): ProxiedAnswer =>
  whole.status === 200 ? { ...whole, body: whole.body.slice(0, -2) } : whole;
const ofVault = answer(400, JSON.stringify({ errors: [CANARY] }));
const ofSso = answer(400, JSON.stringify({ error: 'invalid_request', error_description: CANARY }));
const ofAws = answer(
  403,
  `<ErrorResponse><Error><Code>AccessDenied</Code><Message>${CANARY}</Message></Error></ErrorResponse>`,
);

/** Credentials that are asked for once, what the upstream answers then, and what comes of it. */
export const MISSED: readonly (readonly [
  credential: string,
  type: CredentialType,
  from: keyof UpstreamProxies,
  change: RecordingProxy['change'],
  code: ErrorCode,
])[] = [
  ['failed-key', 'secret', 'vault', failed, 'upstream_failed'],
  ['page-key', 'secret', 'vault', page, 'upstream_answer_invalid'],
  ['cut-key', 'secret', 'vault', cut, 'upstream_answer_invalid'],
  ['refused-key', 'secret', 'vault', ofVault, 'upstream_login_refused'],
  ['failed-api', 'access-token', 'sso', failed, 'upstream_failed'],
  ['page-api', 'access-token', 'sso', page, 'upstream_answer_invalid'],
  ['cut-api', 'access-token', 'sso', cut, 'upstream_answer_invalid'],
  ['refused-api', 'access-token', 'sso', ofSso, 'upstream_denied'],
  ['failed-files', 'aws', 'aws', failed, 'upstream_failed'],
  ['page-files', 'aws', 'aws', page, 'upstream_answer_invalid'],
  ['cut-files', 'aws', 'aws', cut, 'upstream_answer_invalid'],
  ['refused-files', 'aws', 'aws', ofAws, 'upstream_denied'],
];

/** Returns identities, providers and credentials of a sidecar behind these proxies, for a service that calls `api`. */
export function canaryRegistry({ vault, sso, aws }: UpstreamProxies, api: string): string {
  const token = `audience: ${AUDIENCE}, scope: journal.write`;
  const missed: Readonly<Record<keyof UpstreamProxies, string>> = {
    vault: 'provider: vault, path: secret/ledger/audit',
    sso: `provider: sso, ${token}`,
    aws: `provider: aws-eu, role: '${ROLE}', lifetime: 1h`,
  };
  return `federation: { url: ${FEDERATION} }
identities:
  - id: ${SERVICE}
    owner: team-payments
    purpose: posts the month-end journal
    environment: test
    businessProcesses: [BP-1042]
    expires: ${new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10)}
    match: [tallystick:socket:app]
    entitlements: [${[...TAKEN, ...MISSED].map(([name]) => name).join()}, audit-key, hidden-key]
providers:
  vault: ${JSON.stringify(vaultSettings(vault.url))}
  sso: { type: oauth, issuer: '${sso.url}', client: { id: close-batch } }
  sso-by-secret:
    type: oauth
    issuer: ${sso.url}
    client:
      id: by-secret
      authentication: client_secret_basic
      secret: { credential: sso-client, value: client_secret }
  aws-eu: { type: aws, region: eu-central-1, auth: { method: web-identity }, endpoints: { sts: '${aws.url}' } }
credentials:
  api-key: { provider: vault, path: secret/ledger/api }
  audit-key: { provider: vault, path: secret/ledger/audit }
  hidden-key: { provider: vault, path: secret/hidden/key }
  payroll-key: { provider: vault, path: secret/ledger/payroll }
  sso-client: { provider: vault, path: secret/ledger/sso }
  ledger-db: { provider: vault, path: database/creds/ledger-writer, lifetime: 4s }
  batch-tls: { provider: vault, path: pki/sign/workload, dnsNames: [batch.acme.example], lifetime: 1h }
  deploy-ssh: { provider: vault, path: ssh/sign/deploy, principals: [deploy], lifetime: 30m }
  erp-api: { provider: sso, ${token}, use: [${api}/] }
  secret-api: { provider: sso-by-secret, ${token} }
  files: { provider: aws-eu, role: '${ROLE}', lifetime: 1h }
${MISSED.map(([name, , from]) => `  ${name}: { ${missed[from]} }\n`).join('')}`;
}
