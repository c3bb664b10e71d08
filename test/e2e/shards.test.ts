// A sidecar whose year of the books ends while workloads ask it for tokens: the real daemon, its real log, and everything
// that reads it.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { commandJson, tallystick } from '../daemon/command.ts';
import { startDaemon, TALLYSTICK, type Daemon } from '../daemon/daemon.ts';
import { socketClient } from '../daemon/socket-client.ts';
import { verified, vkeysIn } from '../faults/verified-log.ts';
import { readRecords } from '../faults/record-files.ts';
import { ROOT } from '../rules/repository.ts';
import { findServer } from '../servers/find.ts';

const CUT = 'the record goes on in another shard: add its key to the trust policy';

/** The command by which a daemon starts at a time of its own, and jumps to another with SIGUSR2. */
const atTime = (now: string, jumpTo = now): [string, ...string[]] => [
  process.execPath,
  '--import',
  new URL(`../daemon/programs/moved-clock.ts?${String(new URLSearchParams({ now, jumpTo }))}`, import.meta.url).href,
  ...TALLYSTICK,
];

interface Received {
  readonly lease: string;
  readonly record: string;
}

/** Asks for tokens until told to stop; returns what was received, and every answer that was none. */
async function receive(daemon: Daemon, over: () => boolean): Promise<{ received: Received[]; refused: string[] }> {
  const received: Received[] = [];
  const refused: string[] = [];
  const worker = async (): Promise<void> => {
    const client = await socketClient(daemon.socket);
    while (!over()) {
      const answer = await client.token();
      if (answer.status !== 200) refused.push(answer.body);
      else received.push({ lease: String(answer.json().lease_id), record: String(answer.json().record_id) });
    }
  };
  await Promise.all(Array.from({ length: 6 }, worker));
  return { received, refused };
}

test('a year of the books that ends under load drops no release, and leaves two shards that everybody can verify', async () => {
  await using daemon = await startDaemon({
    command: atTime('2026-12-31T22:58:00Z', '2026-12-31T22:59:59.800Z'),
    edit: (config) => `${config}audit: { zone: Europe/Berlin }\n`,
  });
  const before = await commandJson<{ record: { origin: string } }>(daemon, 'status');
  expect(before.value.record.origin).toMatch(/\/1\/1$/);
  let over = false;
  const receiving = receive(daemon, () => over);
  process.kill(daemon.pid, 'SIGUSR2');
  const cut = await daemon.logged(CUT);
  const { received: after } = await receive(daemon, counted(30));
  over = true;
  const { received: during, refused } = await receiving;
  expect(refused).toEqual([]);
  const status = await commandJson<{ record: { origin: string } }>(daemon, 'status');
  expect(status.value.record.origin).toBe(cut.record);
  expect(cut.record).toMatch(/\/1\/2$/);
  const metrics = await (await fetch(`${daemon.healthUrl}/metrics`)).text();
  expect(metrics).toMatch(/^tallystick_record_shard 2$/m);
  await daemon.kill('SIGTERM');

  const records = readRecords(daemon.folder);
  const released = new Map(
    records.filter(({ type }) => type === 'credential.released').map((each) => [each.lease, each]),
  );
  for (const { lease } of [...during, ...after]) expect(released.has(lease)).toBe(true);
  const closedAt = records.findIndex(({ type }) => type === 'log.shard_closed');
  expect(records.slice(closedAt - 1, closedAt + 4).map(({ type }) => type)).toEqual([
    'log.period_closed',
    'log.shard_closed',
    'log.shard_opened',
    'identity.listed',
    'log.carried',
  ]);
  expect(records[closedAt - 1]!.body).toMatchObject({
    period: { from: '2025-12-31T23:00:00.000Z', to: '2026-12-31T23:00:00.000Z' },
    zone: 'Europe/Berlin',
  });
  // Each shard counts from 0.
  const seqs = records.map(({ seq }) => seq);
  expect(seqs).toEqual([...seqs.keys()].map((i) => (i <= closedAt ? i : i - closedAt - 1)));

  const report = await verified(daemon.folder);
  expect(report.integrity).toEqual({ verdict: 'holds', findings: [], count: 0 });
  expect(report.completeness.findings).toEqual([]);
  expect(report.logs.flatMap(({ integrity }) => integrity.findings)).toEqual([]);

  // The key of the closed shard is gone, and what was signed by it is verified by its public half.
  expect(readdirSync(join(daemon.folder, 'state/keys')).filter((name) => name.startsWith('log-key'))).toEqual([
    'log-key-1-2.json',
  ]);
  const policy = join(daemon.folder, 'audit.policy');
  writeFileSync(policy, [...vkeysIn(daemon.folder).map((vkey) => `log ${vkey}`), 'quorum none', ''].join('\n'));
  const dir = join(daemon.folder, 'state/audit');
  const audit = (...args: string[]) =>
    tallystick(['audit', ...args, '--dir', dir, '--policy', policy], { cwd: daemon.folder });
  const { lease, record } = during[0]!;
  const [verdict, log, proof, inventory, exported] = await Promise.all([
    audit('verify'),
    audit('log', '--lease', lease, '--json'),
    audit('prove', record, '--out', 'release.tlog-proof'),
    audit('inventory', '--at', '2026-12-31T23:00:20Z', '--json'),
    audit('export', '--format', 'ndjson', '--out', 'evidence.ndjson', '--type', 'credential.released'),
  ]);
  expect(verdict).toMatchObject({ status: 3, stdout: expect.stringContaining('1/2') as string });
  expect(log.stdout).toContain(record);
  expect(proof).toMatchObject({ status: 0, stdout: expect.stringContaining('/1/1') as string });
  expect(JSON.parse(inventory.stdout)).toMatchObject({ identities: [{ state: 'active' }] });
  expect(exported).toMatchObject({ status: 0 });
  const manifest = JSON.parse(readFileSync(join(daemon.folder, 'evidence.ndjson.manifest.json'), 'utf8')) as {
    logs: unknown[];
    selected: number;
  };
  expect(manifest.logs).toHaveLength(2);
  expect(manifest.selected).toBe(records.filter(({ type }) => type === 'credential.released').length);
  expect(await audit('verify-export', 'evidence.ndjson')).toMatchObject({ status: 0 });
  const python = findServer('python3');
  if (python) {
    const verifier = join(ROOT, 'packages/audit/verify/verify.py');
    expect(execFileSync(python, [verifier, dir, policy], { encoding: 'utf8' })).toMatch(/^links: hold: 2 logs$/m);
  }

  const again = await daemon.again({ command: atTime('2026-12-31T23:10:00Z') });
  expect((await again.logged('serving')).record).toBe(cut.record);
  expect((await (await socketClient(again.socket)).token()).status).toBe(200);
}, 90_000);

test('a replica gets the closed shard whole, and goes on with the next', async () => {
  const replica = mkdtempSync(join(tmpdir(), 'tallystick-replica-'));
  onTestFinished(() => rmSync(replica, { recursive: true, force: true }));
  await using daemon = await startDaemon({
    command: atTime('2026-12-31T23:58:00Z', '2026-12-31T23:59:59.800Z'),
    edit: (config) => `${config}audit: { anchors: { interval: 1s }, replica: { folder: ${replica} } }\n`,
  });
  const client = await socketClient(daemon.socket);
  await client.token();
  process.kill(daemon.pid, 'SIGUSR2');
  const asking = setInterval(() => void client.token(), 50);
  const cut = await daemon.logged(CUT);
  clearInterval(asking);
  const sizesOf = (origin: unknown): number[] => {
    const folder = join(replica, String(origin), 'anchored');
    return (existsSync(folder) ? readdirSync(folder) : []).map((name) => Number(name.slice(0, 16)));
  };
  await expect.poll(() => sizesOf(cut.closed), { timeout: 20_000 }).toContain(cut.records);
  await expect.poll(() => sizesOf(cut.record).length, { timeout: 20_000 }).toBeGreaterThan(0);
  const { value } = await commandJson<{ record: Record<string, unknown> }>(daemon, 'status');
  expect(value.record).toMatchObject({ origin: cut.record, durability: 'replicated', rollback: 'detectable' });
}, 60_000);

function counted(calls: number): () => boolean {
  let left = calls;
  return () => left-- <= 0;
}
