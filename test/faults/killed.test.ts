// The sidecar killed with -9 at any moment of a release, restarted, stopped under traffic, and started where process
// ids mean nothing.
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt } from 'jose';
import { connect } from '@tallystick/sdk';
import { expect, test } from 'vitest';
import { startDaemon, TALLYSTICK, type Daemon } from '../daemon/daemon.ts';
import { socketClient } from '../daemon/socket-client.ts';
import { readRecords } from './record-files.ts';
import { SEED, seeded, times, tried } from './scale.ts';

const random = seeded(SEED);

/** Asks for tokens with many keys until the daemon is gone; returns the lease ids of what was received. */
async function receiveUntilGone(daemon: Daemon, workers: number): Promise<string[]> {
  const received: string[] = [];
  let gone = false;
  void daemon.ended.then(() => (gone = true));
  await Promise.all(
    Array.from({ length: workers }, async () => {
      while (!gone) {
        try {
          const client = await socketClient(daemon.socket);
          const answer = await client.token();
          if (answer.status === 200) received.push(String(answer.json().lease_id));
        } catch {
          // Killed in the middle: nothing whole was received.
        }
      }
    }),
  );
  return received;
}

test(
  `whatever was received is on record, however the sidecar was killed (seed ${SEED})`,
  { timeout: 600_000 },
  async () => {
    await using first = await startDaemon();
    let daemon: Daemon = first;
    const received: string[] = [];
    const kills = times(4, 60);
    tried('whatever was received is on record, however the sidecar was killed', kills);
    for (let i = 0; i < kills; i++) {
      const receiving = receiveUntilGone(daemon, 4);
      await new Promise((resolve) => setTimeout(resolve, 20 + random() * 300));
      await daemon.kill('SIGKILL');
      received.push(...(await receiving));
      daemon = await daemon.again();
    }
    await daemon.kill('SIGTERM');
    const records = readRecords(first.folder);
    const released = new Set(records.filter(({ type }) => type === 'credential.released').map(({ lease }) => lease));
    expect(received.length).toBeGreaterThan(kills);
    expect(received.filter((lease) => !released.has(lease))).toEqual([]);
    // The sequence has no gap and no second line of one number, over all starts.
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, i) => i));
  },
);

test('under the SDK a kill and a restart fail no call', { timeout: 120_000 }, async () => {
  const leases = new Set<string>();
  const api = createServer((request, response) => {
    leases.add(String(decodeJwt(request.headers.authorization!.slice(5)).jti));
    response.end('ok');
  });
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(api.address() as AddressInfo).port}/`;
  await using first = await startDaemon({ use: url, lifetime: '20s' });
  let daemon: Daemon = first;
  await using identity = await connect({ socket: daemon.socket });
  let calls = 0;
  const failures: unknown[] = [];
  let stop = false;
  const traffic = (async () => {
    while (!stop) {
      await identity.fetch(url).then(
        (response) => void (response.ok && calls++),
        (error: unknown) => failures.push(error),
      );
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  await expect.poll(() => calls).toBeGreaterThan(0);
  for (const signal of (['SIGKILL', 'SIGTERM', 'SIGKILL'] as const).slice(0, times(2, 3))) {
    const before = calls;
    await daemon.kill(signal);
    await expect.poll(() => calls).toBeGreaterThan(before + 3);
    daemon = await daemon.again();
    // A new run of the sidecar: the SDK asks again for what it holds, within 5 s, and goes on meanwhile.
    const known = leases.size;
    await expect.poll(() => leases.size, { timeout: 20_000 }).toBeGreaterThan(known);
  }
  stop = true;
  await traffic;
  expect(failures).toEqual([]);
  await daemon.kill('SIGTERM');
  api.close();
});

test('SIGTERM under traffic answers what is in flight, and ends with 0', { timeout: 60_000 }, async () => {
  await using daemon = await startDaemon();
  const clients = await Promise.all(Array.from({ length: 8 }, () => socketClient(daemon.socket)));
  await Promise.all(clients.map((client) => client.token()));
  const outcomes = new Map<string, number>();
  const traffic = clients.map(async (client) => {
    for (;;) {
      const outcome = await client.token().then(
        ({ status }) => String(status),
        (error: NodeJS.ErrnoException) => error.code ?? error.message,
      );
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if (outcome !== '200') return;
    }
  });
  await expect.poll(() => outcomes.get('200') ?? 0).toBeGreaterThan(20);
  expect(await daemon.kill('SIGTERM')).toBe(0);
  await Promise.all(traffic);
  // Not one request was cut: each was answered, or never accepted.
  expect([...outcomes.keys()].filter((outcome) => !['200', '503', 'ENOENT', 'ECONNREFUSED'].includes(outcome))).toEqual(
    [],
  );
  expect(readRecords(daemon.folder).at(-1)).toMatchObject({ type: 'sidecar.stopped', body: { cause: 'SIGTERM' } });
});

const canUnshare = spawnSync('unshare', ['--pid', '--fork', 'true']).status === 0;
if (!canUnshare) process.stderr.write('NOT TESTED: a PID namespace of its own (unshare needs root)\n');

test.skipIf(!canUnshare && !process.env.CI)(
  'in a PID namespace of its own, each start is process 1, and a restart after kill -9 serves',
  { timeout: 60_000 },
  async () => {
    const command = [
      'unshare',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      process.execPath,
      ...TALLYSTICK,
    ] as const;
    await using first = await startDaemon({ command });
    expect(first.log.find(({ message }) => message === 'serving')).toMatchObject({ pid: 1 });
    await first.kill('SIGKILL');
    const second = await first.again({ command });
    expect(second.log.find(({ message }) => message === 'serving')).toMatchObject({ pid: 1 });
    const client = await socketClient(second.socket);
    expect((await client.token()).status).toBe(200);
    // It cannot see the test's process: the kernel names no pid across namespaces, and says so in the record.
    const released = readRecords(first.folder).find(({ type }) => type === 'credential.released')!;
    expect(released.body).toMatchObject({ assurance: 'socket', from: { pid: 0 } });
    await second.kill('SIGKILL');
  },
);
