// The log of the record: verified after crashes, damaged, on a disk that hangs, in memory.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SERVICE, startDaemon, TALLYSTICK, type Daemon } from '../daemon/daemon.ts';
import { socketClient } from '../daemon/socket-client.ts';
import { readLog, readRecords } from './record-files.ts';
import { verified } from './verified-log.ts';

async function receive(daemon: Daemon, count: number): Promise<string[]> {
  const answers = await Promise.all(
    Array.from({ length: count }, async () => (await socketClient(daemon.socket)).token()),
  );
  return answers.map((answer) => String(answer.json().lease_id));
}

test('the log that traffic, kill -9 and restarts leave is verified whole: every leaf, and what the records say', async () => {
  await using first = await startDaemon();
  let daemon: Daemon = first;
  const received: string[] = [];
  for (let i = 0; i < 2; i++) {
    received.push(...(await receive(daemon, 20)));
    await daemon.kill('SIGKILL');
    daemon = await daemon.again();
  }
  received.push(...(await receive(daemon, 1)));
  expect(await daemon.kill('SIGTERM')).toBe(0);
  const report = await verified(first.folder);
  expect(report.integrity).toMatchObject({ verdict: 'holds', findings: [] });
  // Nothing is anchored: that is all that completeness lacks.
  expect(report.logs.flatMap(({ completeness }) => completeness.findings.map(({ code }) => code))).toEqual([
    'rollback_undetectable',
  ]);
  const records = readRecords(first.folder);
  expect(report.logs[0]!.head).toMatchObject({ size: records.length });
  const released = new Set(records.map(({ lease }) => lease));
  expect(received.filter((lease) => !released.has(lease))).toEqual([]);
  expect(records.filter(({ type }) => type === 'log.boot')).toHaveLength(3);
  expect(records.filter(({ type }) => type === 'identity.registered')).toHaveLength(1);
});

test('a byte that is flipped in the last commit that was acknowledged keeps the sidecar from starting, in words; an operator goes on with a new incarnation', async () => {
  await using daemon = await startDaemon();
  const [lease] = await receive(daemon, 1);
  // What the next incarnation carries over.
  await expect.poll(() => existsSync(join(daemon.folder, 'state/audit/1/1/checkpoint'))).toBe(true);
  await daemon.kill('SIGKILL');
  const journal = join(daemon.folder, 'state/audit/1/1/journal');
  const path = join(journal, readdirSync(journal).sort().at(-1)!);
  const bytes = readFileSync(path);
  const at = bytes.lastIndexOf(lease!);
  bytes[at + 5]! ^= 1;
  writeFileSync(path, bytes);

  const refused = await daemon.again({ noWait: true });
  expect(await refused.ended).toBe(1);
  expect(refused.output()).toMatch(/journal.* \(damaged\)\n.*begin a new incarnation of the log/);
  expect(readFileSync(path).equals(bytes)).toBe(true);

  const next = await daemon.again({ args: ['--new-incarnation', 'INC-7: a flipped byte'] });
  await receive(next, 1);
  await next.kill('SIGTERM');
  // The old log is damaged: only the new one can be read.
  const genesis = readLog(join(daemon.folder, 'state/audit/2/1'))[0]!;
  expect(genesis).toMatchObject({ type: 'log.genesis', reason: 'INC-7: a flipped byte', body: { cause: 'repaired' } });
  expect(genesis.body['previous']).toMatchObject({ origin: expect.stringMatching(/\/1\/1$/) as string });
  // It goes on by itself from there.
  await (await daemon.again()).kill('SIGTERM');
});

test('a log whose folder was removed is not begun anew under the key that has signed it; a new incarnation has its own', async () => {
  await using daemon = await startDaemon();
  await receive(daemon, 1);
  expect(await daemon.kill('SIGTERM')).toBe(0);
  rmSync(join(daemon.folder, 'state/audit/1'), { recursive: true });

  const refused = await daemon.again({ noWait: true });
  expect(await refused.ended).toBe(1);
  expect(refused.output()).toMatch(/\/1\/1 had records, and has none \(behind_anchor\)\n.*begin a new incarnation/);
  const next = await daemon.again({ args: ['--new-incarnation', 'the folder was removed'] });
  expect(await next.kill('SIGTERM')).toBe(0);
  const genesis = readLog(join(daemon.folder, 'state/audit/2/1'))[0]!;
  expect(genesis).toMatchObject({ type: 'log.genesis', body: { previous: null } });
});

test('a disk that hangs fails what waits for it, and ends the process by a signal, for a restart', async () => {
  // What a thread does in a system call that never returns, as far as a program can do it.
  const preload = `
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    import { isMainThread } from 'node:worker_threads';
    if (!isMainThread) {
      const { fdatasyncSync } = fs;
      fs.fdatasyncSync = (file) => {
        while (fs.existsSync(process.env.HANG_WHILE)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
        return fdatasyncSync(file);
      };
      syncBuiltinESMExports();
    }`;
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-hang-'));
  const marker = join(folder, 'hang');
  await using daemon = await startDaemon({
    env: {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}`,
      HANG_WHILE: marker,
    },
  });
  await receive(daemon, 1);
  const client = await socketClient(daemon.socket);
  writeFileSync(marker, '');
  const answer = await client.token();
  expect(answer.json()).toMatchObject({ code: 'record_unavailable', retryable: true });
  expect(await daemon.ended).toBe('SIGKILL');
  expect(await daemon.logged('the record failed: nothing is released any more')).toMatchObject({ fault: 'hung' });
  rmSync(marker);
  const second = await daemon.again();
  await receive(second, 1);
  await second.kill('SIGTERM');
  rmSync(folder, { recursive: true });
});

test('JSON lines of an earlier version are refused by name, and nothing is changed before', async () => {
  await using daemon = await startDaemon();
  await daemon.kill('SIGTERM');
  const audit = join(daemon.folder, 'state/audit');
  rmSync(audit, { recursive: true });
  mkdirSync(audit, { mode: 0o700 });
  writeFileSync(join(audit, 'FORMAT'), 'tallystick-state 1\n');
  writeFileSync(join(audit, 'records-000000000000-01KAMZ3CT000000000000000AA.jsonl'), '{"seq":0}\n');
  const second = await daemon.again({ noWait: true });
  expect(await second.ended).toBe(1);
  expect(second.output()).toContain('records of an earlier version');
  expect(second.output()).toContain('move "records-*.jsonl" out of');
  expect(readFileSync(join(audit, 'FORMAT'), 'utf8')).toBe('tallystick-state 1\n');
});

const memory = '/dev/shm';
test.skipIf(!existsSync(memory))(
  'production is refused where its records would be in memory, unless the file says that they may be',
  () => {
    const folder = join(memory, `tallystick-test-${process.pid}`);
    mkdirSync(folder, { recursive: true });
    try {
      const config = join(folder, 'tallystick.yaml');
      const text = `version: 1
trustDomain: acme.example
state: ${folder}/state
listen: { workload: unix://${folder}/run/api.sock, admin: ${folder}/admin/admin.sock }
issuer: { url: https://tallystick.acme.example }
identities:
  - { id: ${SERVICE}, owner: team-a, purpose: p, environment: production, expires: ${new Date(Date.now() + 86_400_000 * 90).toISOString().slice(0, 10)}, match: [unix:uid:7], entitlements: [] }
`;
      const check = (more: string) => {
        writeFileSync(config, text + more);
        return spawnSync(process.execPath, [...TALLYSTICK, 'check', '--config', config], { encoding: 'utf8' });
      };
      const refused = check('');
      expect([refused.status, refused.stdout + refused.stderr]).toEqual([
        1,
        expect.stringContaining('its records would be in memory'),
      ]);
      expect(check('audit: { durability: none }\n').stdout).not.toContain('its records would be in memory');
      expect(check('audit: { durability: none }\n').status).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
