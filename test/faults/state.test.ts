// The folders that the sidecar keeps: read-only, full, torn, in use, of another version.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SERVICE, startDaemon, TALLYSTICK, type Daemon } from '../daemon/daemon.ts';
import { canRunAs } from '../daemon/run-as.ts';
import { socketClient } from '../daemon/socket-client.ts';
import { readRecords } from './record-files.ts';

const root = process.getuid?.() === 0;

/** Ends a daemon, changes its folder, and returns how it then refuses to start. */
async function refusalAfter(change: (folder: string) => void): Promise<string> {
  await using daemon = await startDaemon();
  await daemon.kill('SIGTERM');
  change(daemon.folder);
  const second = await daemon.again({ noWait: true });
  expect(await second.ended).toBe(1);
  return second.output();
}

test('a torn key file is refused in words, and stays as it is', async () => {
  const size = { before: 0, after: 0 };
  const output = await refusalAfter((folder) => {
    const path = join(folder, 'state/keys/issuer-keys.json');
    size.before = readFileSync(path).length;
    truncateSync(path, Math.floor(size.before / 2));
  });
  expect(output).toContain('issuer keys');
  expect(output).toContain('torn');
  expect(output).not.toContain('"d"');
});

test('a key file that was changed by hand is refused in words', async () => {
  const output = await refusalAfter((folder) => {
    const path = join(folder, 'state/keys/issuer-keys.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"current"', '"retired"'));
  });
  expect(output).toContain('changed by hand');
});

test('a state folder of a newer version is refused in words', async () => {
  const output = await refusalAfter((folder) =>
    writeFileSync(join(folder, 'state/leases/FORMAT'), 'tallystick-state 99\n'),
  );
  expect(output).toContain('has format 99');
  expect(output).toContain('run the version that wrote this state folder');
});

test('a state folder that others can write is refused in words', async () => {
  const output = await refusalAfter((folder) => chmodSync(join(folder, 'state/keys'), 0o777));
  expect(output).toContain('can be written by others');
});

test('suspensions and revocations survive kill -9 and a restart', { timeout: 60_000 }, async () => {
  await using daemon = await startDaemon();
  const client = await socketClient(daemon.socket);
  expect((await client.token()).status).toBe(200);
  const suspended = spawnSync(
    process.execPath,
    [...TALLYSTICK, 'identities', 'suspend', SERVICE, '--reason', 'INC-1', '--config', daemon.config],
    { encoding: 'utf8' },
  );
  expect(suspended.status).toBe(0);
  await daemon.kill('SIGKILL');
  const second = await daemon.again();
  const answer = await client.token();
  expect(answer.status).toBe(403);
  expect(answer.json().code).toBe('identity_suspended');
  const list = await (await fetch(`${second.publicUrl}/revocations`)).text();
  const { revoked } = JSON.parse(Buffer.from(list.split('.')[1]!, 'base64url').toString()) as { revoked: unknown[] };
  // Beside it stand the tokens of the very second of the suspension, one by one.
  expect(revoked).toContainEqual(expect.objectContaining({ kind: 'sub', value: SERVICE }));
  await second.kill('SIGTERM');
});

test('two sidecars do not share a state folder', async () => {
  await using daemon = await startDaemon();
  const other = `${readFileSync(daemon.config, 'utf8')}`
    .replaceAll('run/app', 'other/app')
    .replaceAll('admin/admin.sock', 'other-admin/admin.sock')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:0');
  const config = join(daemon.folder, 'other.yaml');
  writeFileSync(config, other);
  const run = spawnSync(process.execPath, [...TALLYSTICK, 'run', '--config', config], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect(run.status).toBe(1);
  expect(run.stderr).toContain('another sidecar uses the state folder');
});

// As root nothing is read-only: the sidecar runs as nobody.
const nobody = 65_534;

test.skipIf(!canRunAs(nobody))('a state folder that cannot be written is refused in words', async () => {
  await using daemon: Daemon = await startDaemon({ noWait: true });
  await daemon.kill('SIGKILL');
  for (const name of ['state', 'state/keys', 'state/leases', 'state/audit', 'run', 'admin']) {
    mkdirSync(join(daemon.folder, name), { recursive: true, mode: 0o755 });
    chownSync(join(daemon.folder, name), nobody, nobody);
  }
  chmodSync(daemon.folder, 0o755);
  chownSync(join(daemon.folder, 'state/keys'), 0, 0);
  chmodSync(join(daemon.folder, 'state/keys'), 0o755);
  const second = await daemon.again({ uid: nobody, noWait: true, command: [process.execPath, ...TALLYSTICK] });
  expect(await second.ended).toBe(1);
  expect(second.output()).toMatch(
    /state folder ".*keys" cannot be used: EACCES|state folder ".*" can be written by others/,
  );
});

const canMount = root && spawnSync('mount', ['--version']).status === 0;
if (!canMount) process.stderr.write('NOT TESTED: a full file system (mount needs root)\n');

test.skipIf(!canMount && !process.env.CI)(
  'a full disk stops every release, says so, and loses nothing that was acknowledged',
  { timeout: 120_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tallystick-full-'));
    const audit = join(folder, 'state/audit');
    mkdirSync(audit, { recursive: true, mode: 0o700 });
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1300k,mode=0700', 'tmpfs', audit], {
      encoding: 'utf8',
    });
    expect(mounted.stderr).toBe('');
    try {
      await using first = await startDaemon({ folder });
      const received: string[] = [];
      const refused: unknown[] = [];
      while (refused.length === 0) {
        try {
          const answer = await (await socketClient(first.socket)).token();
          if (answer.status === 200) received.push(String(answer.json().lease_id));
          else refused.push(answer.json().code);
        } catch {
          // It failed while nothing was asked, as it published its tiles, and has closed its socket.
          refused.push('record_unavailable');
        }
      }
      expect(refused).toEqual(['record_unavailable']);
      expect(await first.ended).toBe(1);
      expect(first.log.some(({ errno }) => errno === 'ENOSPC')).toBe(true);
      const released = new Set(readRecords(folder).map(({ lease }) => lease));
      expect(received.filter((lease) => !released.has(lease))).toEqual([]);
      // With space again it starts, and goes on with the numbers.
      expect(spawnSync('mount', ['-o', 'remount,size=8m', audit]).status).toBe(0);
      await using second = await first.again();
      expect((await (await socketClient(second.socket)).token()).status).toBe(200);
      await second.kill('SIGTERM');
    } finally {
      spawnSync('umount', ['-l', audit]);
      rmSync(folder, { recursive: true });
    }
  },
);
