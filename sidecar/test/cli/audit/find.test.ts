import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSealed, parseEscrow } from '../../../src/record/fingerprint/fingerprint-escrow.ts';
import { fingerprintKeyId } from '../../../src/record/fingerprint/fingerprint.ts';
import type { OpenedRecorder } from '../../../src/record/opened-recorder.ts';
import type { CredentialBody, RecordInput } from '../../../src/record/record.ts';
import { temporaryFolder } from '../../listen/temporary-folder.ts';
import { openedRecorder, recordsOf } from '../../record/opened-recorder.ts';
import { NOT_ON_RECORD, runCli } from '../run-cli.ts';

const ACTOR = 'spiffe://acme.example/payments/close-batch';
const DIGEST = 'A'.repeat(43);
const LEASE = 'ls_01KAMZ3CT000000000000000AA';
const SECRET = 'the-secret-that-leaked';
const PAIR = generateKeyPairSync('rsa', { modulusLength: 3072 });
const PEM = PAIR.publicKey.export({ type: 'spki', format: 'pem' }) as string;

const released = (fp: string, notAfter: string): RecordInput<'credential.released'> => ({
  type: 'credential.released',
  actor: ACTOR,
  owner: { accountable: null, backup: null, id: 'team-payments', kind: 'team' },
  process: null,
  registry: null,
  lease: LEASE,
  outcome: 'success',
  reason: 'entitled',
  trace: null,
  body: {
    assurance: 'process',
    binding: 'dpop',
    entitlement: 'ledger-api',
    fp,
    from: { node: 'node-7', pid: 4242, podUid: null, uid: 1001 },
    granted: null,
    handles: null,
    jkt: DIGEST,
    name: 'ledger-api',
    notAfter,
    proof: { iat: 1_795_000_000, jti: 'p', sha256: DIGEST },
    provider: 'issuer',
    requestHash: DIGEST,
    requested: null,
    selectors: [],
    source: 'minted',
  } satisfies CredentialBody,
});

interface Made {
  readonly dir: string;
  readonly keys: string;
  readonly ids: readonly string[];
}

/** Logs of so many incarnations; each has released {@link SECRET} twice and something else once. */
async function made(incarnations = 1, notAfter = '2026-11-22T12:15:00.000Z'): Promise<Made> {
  const [dir, keys] = [join(temporaryFolder(), 'audit'), temporaryFolder()];
  mkdirSync(dir);
  const ids: string[] = [];
  for (let i = 0; i < incarnations; i++) {
    const recorder: OpenedRecorder = await openedRecorder(dir, {
      keys,
      escrow: parseEscrow(PEM, 'escrow.pub'),
      newIncarnation: i === 0 ? undefined : { uid: 0, loginUid: null, tty: null, reason: 'x' },
    });
    ids.push(recorder.fingerprint('').split(':')[1]!);
    for (const secret of [SECRET, 'another', SECRET]) {
      await recorder.append(released(recorder.fingerprint(secret), notAfter));
    }
    await recorder.close();
  }
  return { dir, keys, ids };
}

function keyFile({ keys }: Made, incarnation = 1): string {
  return join(keys, `fingerprint-key-${incarnation}.json`);
}

async function search(dir: string, argv: readonly string[], piped: string | readonly Uint8Array[] = SECRET) {
  const stdin = typeof piped === 'string' ? [Buffer.from(piped)] : piped;
  const result = await runCli(['audit', 'find', '--secret-stdin', '--dir', dir, ...argv], {}, undefined, stdin);
  expect(result.stdout + result.stderr).not.toContain(SECRET);
  return result;
}

describe('a secret that was released', () => {
  test('is found with who held it, when, by which lease, and how to end it while it lives', async () => {
    const logs = await made();
    const { code, stdout, stderr } = await search(logs.dir, ['--key', keyFile(logs)]);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `${NOT_ON_RECORD}2 records; from verified leaves; looked in 1/1 (key ${logs.ids[0]}); the key of the log is that of the folder itself\n`,
    });
    const [heads, first, ...more] = stdout.trimEnd().split('\n');
    expect(heads).toMatch(/^time +who +owner +credential +lease +until +from +record$/);
    expect(first!.split(/ {2,}/)).toEqual([
      '2026-11-22T12:00:00.250Z',
      ACTOR,
      'team-payments',
      'ledger-api',
      LEASE,
      '2026-11-22T12:15:00.000Z',
      'node-7 uid 1001 pid 4242',
      '1/1/2',
    ]);
    expect(more).toHaveLength(1);
    const living = await made(1, new Date(Date.now() + 600_000).toISOString());
    const { stderr: told } = await search(living.dir, ['--key', keyFile(living)]);
    expect(told).toContain(`end it now: tallystick leases revoke ${LEASE} --reason TEXT\n`);
    expect(told.match(/end it now/g)).toHaveLength(1);
  });

  test.each([[`${SECRET}\n`], [`${SECRET}\r\n`], [[Buffer.from(SECRET.slice(0, 5)), Buffer.from(SECRET.slice(5))]]])(
    'is found as it was piped in: %j',
    async (piped) => {
      const logs = await made();
      const { code, stdout } = await search(logs.dir, ['--key', keyFile(logs), '--json'], piped);
      expect({ code, ...(JSON.parse(stdout) as object) }).toMatchObject({
        code: 0,
        key: 'folder',
        searched: [{ log: '1/1', keys: logs.ids }],
        notSearched: [],
        records: [
          { index: 2, record: { lease: LEASE } },
          { index: 4, record: { lease: LEASE } },
        ],
      });
    },
  );

  test('is found by the escrow key where the machine and its keys are gone, over incarnations', async () => {
    const logs = await made(2);
    rmSync(logs.keys, { recursive: true });
    const escrow = join(logs.dir, '..', 'escrow.key');
    writeFileSync(escrow, PAIR.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const { code, stdout } = await search(logs.dir, ['--escrow-key', escrow, '--json']);
    expect({ code, ...(JSON.parse(stdout) as object) }).toMatchObject({
      code: 0,
      searched: [
        { log: '1/1', keys: [logs.ids[0]] },
        { log: '2/1', keys: [logs.ids[1]] },
      ],
      records: [{}, {}, {}, {}],
    });
    const other = generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey;
    writeFileSync(escrow, other.export({ type: 'pkcs8', format: 'pem' }));
    const { code: none, stderr } = await search(logs.dir, ['--escrow-key', escrow]);
    expect({ none, stderr }).toMatchObject({ none: 3, stderr: expect.stringContaining('looked nowhere') as string });
  });

  test('is found in a later shard by the escrow key, also where the first shard is gone', async () => {
    const [dir, keys] = [join(temporaryFolder(), 'audit'), temporaryFolder()];
    mkdirSync(dir);
    const recorder = await openedRecorder(dir, { keys, escrow: parseEscrow(PEM, 'escrow.pub'), shardRecords: 3 });
    recorder.startCutting({ identities: [], isSuspended: () => false, leases: () => [], onCut: () => {} });
    const fp = recorder.fingerprint(SECRET);
    for (let i = 0; i < 5; i++) await recorder.append(released(fp, '2026-11-22T12:15:00.000Z'));
    expect(recorder.place.shard).toBeGreaterThan(1);
    await recorder.close();
    rmSync(join(dir, '1/1'), { recursive: true });
    const escrow = join(keys, 'escrow.key');
    writeFileSync(escrow, PAIR.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const { code, stdout } = await search(dir, ['--escrow-key', escrow, '--json']);
    const { searched, notSearched } = JSON.parse(stdout) as { searched: { log: string }[]; notSearched: unknown[] };
    expect({ code, first: searched[0]!.log, notSearched }).toEqual({ code: 0, first: '1/2', notSearched: [] });
  });

  test('is found by the 32 bytes that were opened elsewhere', async () => {
    const logs = await made();
    const recorder = await openedRecorder(logs.dir, { keys: logs.keys });
    const [genesis] = (await recordsOf(recorder)) as { body: { fingerprints: { sealed: string } } }[];
    await recorder.close();
    const bytes = openSealed(genesis!.body.fingerprints.sealed, PAIR.privateKey)!;
    expect(fingerprintKeyId(createSecretKey(bytes))).toBe(logs.ids[0]);
    const raw = join(logs.keys, 'raw.key');
    writeFileSync(raw, bytes);
    expect((await search(logs.dir, ['--key', raw])).code).toBe(0);
  });
});

describe('a secret that is not found', () => {
  test('is said not to be there, or not to be looked for where a key is missing: two exit codes', async () => {
    const logs = await made(2);
    const all = ['--key', keyFile(logs, 2)];
    const { code, stdout, stderr } = await search(logs.dir, all, 'never-released');
    expect({ code, stdout, stderr }).toEqual({
      code: 3,
      stdout: '',
      stderr: `${NOT_ON_RECORD}no record names it; from verified leaves; looked in 2/1 (key ${logs.ids[1]}); could not look in 1/1 (key ${logs.ids[0]}): its key is not at hand; the key of the log is that of the folder itself\n`,
    });
    const one = await made();
    expect(await search(one.dir, ['--key', keyFile(one)], 'never-released')).toMatchObject({ code: 1, stdout: '' });
  });

  test('in a log that was changed is no answer at all', async () => {
    const logs = await made();
    const bundle = join(logs.dir, '1/1/tile/entries/000.p/5');
    const bytes = readFileSync(bundle);
    bytes[bytes.indexOf('entitled')]! ^= 1;
    chmodSync(bundle, 0o600);
    writeFileSync(bundle, bytes);
    expect(await search(logs.dir, ['--key', keyFile(logs)])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('not those under its signed head') as string,
    });
  });
});

describe('a mistake in the command line', () => {
  test.each([
    [['audit', 'find', SECRET], 'pipe the secret in'],
    [['audit', 'find', '--secret-stdin', SECRET], 'pipe the secret in'],
    [['audit', 'find', '--secret-stdin', '--dir', '/', '--key', 'a', '--escrow-key', 'b'], 'no log with a signed head'],
  ])('tells nothing of the secret', async (argv, message) => {
    const { code, stdout, stderr } = await runCli(argv);
    expect({ code, stdout, told: stderr.includes(message) }).toEqual({ code: 2, stdout: '', told: true });
    expect(stderr).not.toContain(SECRET);
  });

  test('is an empty input, one that is no secret, and a key that is not named or is none', async () => {
    const logs = await made();
    const by = ['--key', keyFile(logs)];
    expect(await search(logs.dir, by, '\n')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is empty/) as string,
    });
    expect(await search(logs.dir, by, [Buffer.alloc(1_048_577)])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/more than 1 MiB/) as string,
    });
    expect(await search(logs.dir, [])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--key FILE or --escrow-key FILE/) as string,
    });
    expect(await search(logs.dir, [...by, '--escrow-key', 'x'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/not both/) as string,
    });
    const open = join(logs.keys, 'open.json');
    copyFileSync(keyFile(logs), open);
    chmodSync(open, 0o644);
    expect(await search(logs.dir, ['--key', open])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is open to other users/) as string,
    });
    expect(await search(logs.dir, ['--key', '/nowhere'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/cannot be read: ENOENT/) as string,
    });
  });
});
