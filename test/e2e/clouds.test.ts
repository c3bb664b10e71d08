// Tokens and secrets of clouds from a daemon that has no secret of theirs, in the hands of a service. The clouds are judged by
// strict servers of ours, which know the daemon by the files that its operator publishes and by nothing else.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, withBusinessProcess, type Identity } from '@tallystick/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAzureJudge, type AzureJudge } from '../../sidecar/test/providers/azure/azure-judge.ts';
import { startGcpJudge, type GcpJudge } from '../../sidecar/test/providers/gcp/gcp-judge.ts';
import { command } from '../daemon/command.ts';
import { oneService, SERVICE, startDaemon, type Daemon } from '../daemon/daemon.ts';
import { readRecords } from '../faults/record-files.ts';

const ISSUER = 'https://identity.acme.example/e2e';
const PROCESS = { id: 'BP-1042', runId: 'run-7' };

let dir: string;
let google: GcpJudge;
let microsoft: AzureJudge;
let daemon: Daemon;
let service: Identity;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tallystick-published-'));
  google = await startGcpJudge({ dir, issuer: ISSUER });
  microsoft = await startAzureJudge({ dir, issuer: ISSUER });
  const registry = oneService('https://ledger.acme.example/', '15m').replace(
    'entitlements: [ledger-api]',
    'entitlements: [ledger-api, reports, gcp-key, graph, vault-key, archive]',
  );
  daemon = await startDaemon({
    registry: `federation: { url: ${ISSUER} }
providers:
  google:
    type: gcp
    audience: ${google.audience}
    endpoints: { sts: ${google.url}, iamCredentials: ${google.url}, secretManager: ${google.url} }
  entra: { type: azure, tenant: ${microsoft.tenant}, client: ${microsoft.client}, authority: ${microsoft.url} }
${registry}  reports: { provider: google, serviceAccount: ${google.serviceAccount} }
  archive: { provider: google, serviceAccount: ${google.serviceAccount}, attribution: identity }
  gcp-key: { provider: google, secret: ${google.secret} }
  graph: { provider: entra, scope: https://graph.microsoft.com/.default }
  vault-key: { provider: entra, vault: ${microsoft.url}, secret: ${microsoft.secret} }
`,
  });
  await command(daemon, 'issuer', 'publish', '--dir', dir);
  service = await connect({ socket: daemon.socket });
});
afterAll(async () => {
  await service.close();
  await daemon[Symbol.asyncDispose]();
  await Promise.all([google.stop(), microsoft.stop()]);
  rmSync(dir, { recursive: true });
});

test('a token of Google acts as the service account, and its log has the lease id', async () => {
  const { token, serviceAccount, leaseId, binding } = await withBusinessProcess(PROCESS, () =>
    service.credential('reports', 'gcp'),
  );
  expect([google.accepts(token.reveal()), serviceAccount, binding]).toEqual([true, google.serviceAccount, 'none']);
  expect(google.attributesOf(token.reveal())).toMatchObject({
    sub: SERVICE,
    tallystick: { lease: leaseId, owner: 'team-payments', process: 'BP-1042' },
  });
  expect(google.log.at(-1)!.reason).toContain(`lease=${leaseId} `);
});

test('a token of Entra is one of the application', async () => {
  const { token, clientId, tenantId } = await service.credential('graph', 'azure');
  expect(microsoft.accepts(token.reveal())).toBe(true);
  expect([clientId, tenantId]).toEqual([microsoft.client, microsoft.tenant]);
  expect(microsoft.log.at(-1)).toMatchObject({ operation: 'sign-in', subject: SERVICE });
});

test('secrets of both stores are read as the identity that asks', async () => {
  for (const [name, value] of [
    ['gcp-key', google.secretValue],
    ['vault-key', microsoft.secretValue],
  ] as const) {
    const { values } = await service.credential(name, 'secret');
    expect(values.value!.reveal()).toBe(value);
  }
});

test('each release is on record with an intent before it, and no secret of a cloud is in any file or line of the daemon', () => {
  const records = readRecords(daemon.folder).filter(({ lease }) => lease !== null);
  for (const lease of new Set(records.map((record) => record.lease))) {
    const types = records.filter((record) => record.lease === lease).map(({ type }) => type);
    expect(types).toEqual(['credential.intent', 'credential.outcome', 'credential.released']);
  }
  const secrets = [...google.secrets(), ...microsoft.secrets()];
  expect(secrets.length).toBeGreaterThan(6);
  const said = JSON.stringify([daemon.log, daemon.told]);
  const files = readdirSync(daemon.folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(daemon.folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'latin1'));
  for (const secret of secrets) {
    for (const text of [said, ...files]) expect(text.includes(secret)).toBe(false);
  }
});

test('what a cloud denies is denied with the command that gives the right, and given once it is', async () => {
  google.allow([]);
  await expect(service.credential('archive', 'gcp')).rejects.toMatchObject({
    code: 'upstream_denied',
    remedy: expect.stringContaining(`add-iam-policy-binding ${google.serviceAccount}`) as string,
  });
  google.allow(undefined);
  await expect
    .poll(() => service.credential('archive', 'gcp').then(({ serviceAccount }) => serviceAccount, String), {
      timeout: 15_000,
    })
    .toBe(google.serviceAccount);
});
