// The sidecar killed with -9 while its year of the books ends and a shard of the log is cut, over and over.
import { expect, test } from 'vitest';
import { startDaemon, TALLYSTICK, type Daemon } from '../daemon/daemon.ts';
import { socketClient } from '../daemon/socket-client.ts';
import { readRecords } from './record-files.ts';
import { SEED, seeded, times, tried } from './scale.ts';
import { verified } from './verified-log.ts';

const TITLE =
  'a shard of the log is cut as a whole or not at all, however the sidecar was killed, and every release is on record';
const random = seeded(SEED);

/** The command of a daemon that starts shortly before the end of a year, and jumps to it with SIGUSR2. */
const atEndOf = (year: number): [string, ...string[]] => {
  const times = new URLSearchParams({ now: `${year}-12-31T23:00:00Z`, jumpTo: `${year}-12-31T23:59:59.990Z` });
  const clock = new URL(`../daemon/programs/moved-clock.ts?${String(times)}`, import.meta.url).href;
  return [process.execPath, '--import', clock, ...TALLYSTICK];
};

/** Asks for tokens until the daemon is gone, and tells of the first answer; returns the lease ids of what was received. */
async function receiveUntilGone(daemon: Daemon, first: () => void): Promise<string[]> {
  const received: string[] = [];
  let gone = false;
  void daemon.ended.then(() => (gone = true));
  const worker = async (): Promise<void> => {
    while (!gone) {
      try {
        const answer = await (await socketClient(daemon.socket)).token();
        if (answer.status === 200) received.push(String(answer.json().lease_id));
        first();
      } catch {
        // Killed in the middle: nothing whole was received.
      }
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  return received;
}

test(`${TITLE} (seed ${SEED})`, { timeout: 900_000 }, async () => {
  const edit = (config: string): string => config.replace(/expires: .*/, 'expires: 2099-12-31');
  await using first = await startDaemon({ edit, command: atEndOf(2026) });
  let daemon: Daemon = first;
  const received: string[] = [];
  const kills = times(2, 40);
  tried(TITLE, kills);
  for (let i = 0; i < kills; i++) {
    const begun = Promise.withResolvers<void>();
    const receiving = receiveUntilGone(daemon, begun.resolve);
    await begun.promise;
    process.kill(daemon.pid, 'SIGUSR2');
    await new Promise((resolve) => setTimeout(resolve, random() * 250));
    await daemon.kill('SIGKILL');
    received.push(...(await receiving));
    daemon = await daemon.again({ command: atEndOf(2027 + i), edit });
  }
  await daemon.kill('SIGTERM');
  const report = await verified(first.folder);
  expect(report.logs.flatMap(({ path, integrity }) => integrity.findings.map((each) => ({ path, ...each })))).toEqual(
    [],
  );
  expect(report.integrity.findings).toEqual([]);
  expect(report.completeness.findings).toEqual([]);
  expect(report.logs.length).toBeGreaterThan(1);
  const released = new Set(
    readRecords(first.folder)
      .filter(({ type }) => type === 'credential.released')
      .map(({ lease }) => lease),
  );
  expect(received.filter((lease) => !released.has(lease))).toEqual([]);
  expect(received.length).toBeGreaterThan(kills);
});
