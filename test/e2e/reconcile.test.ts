// What APIs have accepted against what the sidecar has on record: by real processes, and as an auditor would compare it.
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leaseId, systemClock, systemRandom } from '@tallystick/core';
import { createProof, generateHolderKey } from '@tallystick/dpop';
import { connect } from '@tallystick/sdk';
import { importJWK, SignJWT, type JWK } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import { command, tallystick } from '../daemon/command.ts';
import { AUDIENCE, ISSUER, SERVICE, startDaemon, type Daemon } from '../daemon/daemon.ts';
import { startLedger } from '../daemon/ledger.ts';
import { socketClient } from '../daemon/socket-client.ts';
import { codeBlocks } from '../rules/markdown.ts';
import { readText } from '../rules/repository.ts';

const PAGE = 'sidecar/docs/audit.md';

interface Report {
  readonly verdict: string;
  readonly figures: readonly { readonly figure: string; readonly count: number; readonly grade: string }[];
  readonly findings: readonly Record<string, unknown>[];
  readonly neverSeen: readonly { readonly lease: string; readonly identity: string }[];
  readonly receipts: { readonly torn: number; readonly lines: number };
}

function receiptsFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-ledger-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'receipts.jsonl');
}

/** Compares receipts with the log of a daemon that has stopped. */
async function reconcile(
  daemon: Daemon,
  file: string,
  ...args: readonly string[]
): Promise<{ status: unknown; report: Report }> {
  const dir = join(daemon.folder, 'state', 'audit');
  const vkey = join(dir, '1', '1', 'vkey');
  const { status, stdout, stderr } = await tallystick(
    ['audit', 'reconcile', file, '--dir', dir, '--vkey', vkey, '--json', ...args],
    { cwd: daemon.folder },
  );
  if (stdout === '') throw new Error(stderr);
  return { status, report: JSON.parse(stdout) as Report };
}

function figure({ figures }: Report, name: string): { count: number; grade: string } | undefined {
  return figures.find((each) => each.figure === name);
}

/** A token as the issuer of a daemon signs it, made by somebody who has stolen its key. */
async function forgedToken(daemon: Daemon, jkt: string): Promise<string> {
  const text = readFileSync(join(daemon.folder, 'state', 'keys', 'issuer-keys.json'), 'utf8');
  const { content } = JSON.parse(text) as { content: { keys: { state: string; jwk: JWK }[] } };
  const { jwk } = content.keys.find(({ state }) => state === 'current')!;
  const { keys } = (await (await fetch(`${daemon.publicUrl}/jwks`)).json()) as { keys: (JWK & { kid: string })[] };
  const { kid } = keys.find(({ x }) => x === jwk.x)!;
  const lease = leaseId(systemClock, systemRandom);
  const iat = Math.floor(Date.now() / 1000);
  const owner = { id: 'team-payments', kind: 'team' };
  return new SignJWT({
    iss: ISSUER,
    sub: SERVICE,
    client_id: SERVICE,
    aud: AUDIENCE,
    iat,
    exp: iat + 900,
    jti: lease,
    scope: 'journal.write',
    cnf: { jkt },
    tallystick: { lease, owner, environment: 'test', processes: ['BP-1042'], registry: 'A'.repeat(43) },
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
    .sign(await importJWK(jwk, 'ES256'));
}

test('what a service has used is on record, and a token that nobody used is listed, also by a file that was torn', async () => {
  const file = receiptsFile();
  await using ledger = await startLedger({ receipts: file });
  await using daemon = await startDaemon({ use: ledger.url });
  ledger.trust({ issuer: ISSUER, jwks: `${daemon.publicUrl}/jwks`, subjects: [SERVICE] });
  const identity = await connect({ socket: daemon.socket });
  for (let i = 0; i < 3; i += 1) expect((await identity.fetch(`${ledger.url}journal?key=s3cret`)).status).toBe(200);
  const unused = (await (await socketClient(daemon.socket)).token()).json().lease_id as string;
  expect(await command(daemon, 'leases', 'revoke', unused, '--reason', 'INC-4711')).toMatchObject({ status: 0 });
  await identity.close();
  expect(await daemon.kill('SIGTERM')).toBe(0);
  await ledger[Symbol.asyncDispose]();

  const { status, report } = await reconcile(daemon, file);
  expect({ status, verdict: report.verdict, findings: report.findings }).toEqual({
    status: 0,
    verdict: 'holds',
    findings: [],
  });
  expect(figure(report, 'uses_recorded')).toMatchObject({ count: 3, grade: 'verified-by-api' });
  expect(figure(report, 'tokens_released')).toMatchObject({ count: 2, grade: 'recorded' });
  expect(figure(report, 'uses_reported')).toMatchObject({ count: 3, grade: 'reported' });
  expect(figure(report, 'leases_reported_and_seen')).toMatchObject({ count: 1, grade: 'verified-by-api' });
  expect(report.neverSeen).toMatchObject([{ lease: unused, identity: SERVICE }]);
  expect(readFileSync(file, 'utf8')).not.toContain('s3cret');

  // As the page tells an auditor to type it, with the policy that security has.
  const [shown] = codeBlocks(PAGE, readText(PAGE)).filter(({ flags }) => flags.includes('reconcile'));
  const dir = join(daemon.folder, 'state', 'audit');
  const cwd = join(file, '..');
  writeFileSync(
    join(cwd, 'audit.policy'),
    `log ${readFileSync(join(dir, '1', '1', 'vkey'), 'utf8').trim()}\nquorum none\n`,
  );
  const typed = shown!.code.trim().replace('/evidence/audit', dir).split(' ').slice(1);
  expect(await tallystick(typed, { cwd })).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^ {2}of leases on record +3 +verified-by-api$/m) as string,
  });

  // Its last line is the mark that it was closed: nothing that was used stands in it.
  truncateSync(file, statSync(file).size - 20);
  const torn = await reconcile(daemon, file);
  expect({ status: torn.status, torn: torn.report.receipts.torn }).toEqual({ status: 0, torn: 1 });
  expect(figure(torn.report, 'uses_recorded')?.count).toBe(3);
});

test('a token by a stolen key of the issuer is accepted by the API, and was used without a record', async () => {
  const file = receiptsFile();
  await using ledger = await startLedger({ receipts: file });
  await using daemon = await startDaemon({ use: ledger.url });
  ledger.trust({ issuer: ISSUER, jwks: `${daemon.publicUrl}/jwks`, subjects: [SERVICE] });
  const key = await generateHolderKey();
  const token = await forgedToken(daemon, key.jkt);
  const url = `${ledger.url}journal`;
  const dpop = createProof(key, { method: 'GET', url, iat: Date.now() / 1000, accessToken: token });
  expect((await fetch(url, { headers: { authorization: `DPoP ${token}`, dpop } })).status).toBe(200);
  await ledger[Symbol.asyncDispose]();

  // Until the log has gone on for longer than clocks may differ, its record might still be to come.
  const client = await socketClient(daemon.socket);
  let found: Report | undefined;
  const statusNow = async (): Promise<unknown> => {
    await client.token();
    const { status, report } = await reconcile(daemon, file, '--tolerance', '1s');
    found = report;
    return status;
  };
  await expect.poll(statusNow, { timeout: 20_000, interval: 200 }).toBe(1);
  expect(found!.findings).toMatchObject([
    { code: 'used_without_record', issuer: ISSUER, caller: SERVICE, jkt: key.jkt, count: 1, record: null },
  ]);
}, 30_000);
