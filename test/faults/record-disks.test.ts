// The log of the record on real file systems that turn read-only, are cut short, have bytes flipped, and are put back to
// an older state.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tallystick } from '../daemon/command.ts';
import { startDaemon, type Daemon } from '../daemon/daemon.ts';
import { socketClient } from '../daemon/socket-client.ts';
import { canLoop, makeLoopDisk } from './loop-disk.ts';
import { readRecords } from './record-files.ts';
import { SEED, seeded, times, tried } from './scale.ts';
import { verified, vkeysIn } from './verified-log.ts';

async function receive(daemon: Daemon, count: number): Promise<string[]> {
  const leases: string[] = [];
  for (let i = 0; i < count; i++) {
    const answer = await (await socketClient(daemon.socket)).token();
    leases.push(String(answer.json().lease_id));
  }
  return leases;
}

/** Returns those of the leases that no record names. */
function unrecorded(folder: string, leases: readonly string[]): string[] {
  const recorded = new Set(readRecords(folder).map(({ lease }) => lease));
  return leases.filter((lease) => !recorded.has(lease));
}

const loops = canLoop();
if (!loops) process.stderr.write('NOT TESTED: a disk that turns read-only (loop devices and ext4 need root)\n');

test.skipIf(!loops && !process.env.CI)(
  'a disk that turns read-only under the log stops every release, ends the sidecar, and loses nothing that was acknowledged',
  { timeout: 60_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tallystick-read-only-'));
    try {
      using disk = makeLoopDisk(join(folder, 'state/audit'), 24);
      chmodSync(join(folder, 'state'), 0o700);
      // Of so small a disk a log that is not told otherwise takes nothing.
      const edit = (config: string): string => `${config}audit: { localMax: 16MiB }\n`;
      await using daemon = await startDaemon({ folder, edit });
      const received = await receive(daemon, 5);
      const client = await socketClient(daemon.socket);
      disk.breakDown();
      const answer = await client.token().catch((error: NodeJS.ErrnoException) => error);
      // It is refused, or cut where publishing has met the error first.
      if (!(answer instanceof Error))
        expect(answer.json()).toMatchObject({ code: 'record_unavailable', retryable: true });
      expect(await daemon.ended).toBe(1);
      expect(daemon.log.some(({ message }) => message === 'the record failed: nothing is released any more')).toBe(
        true,
      );
      const refused = await daemon.again({ noWait: true });
      expect(await refused.ended).toBe(1);

      disk.mountAgain();
      await using second = await daemon.again();
      received.push(...(await receive(second, 1)));
      expect(await second.kill('SIGTERM')).toBe(0);
      expect(unrecorded(folder, received)).toEqual([]);
      expect((await verified(folder)).integrity).toMatchObject({ verdict: 'holds', findings: [] });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

/** What there is of a log at one moment: each file with its digest. */
function contentsOf(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(folder, path)).isFile(),
  );
  return new Map(
    files.map((path) => [
      path,
      createHash('sha256')
        .update(readFileSync(join(folder, path)))
        .digest('hex'),
    ]),
  );
}

/** Cuts one file of a log short, or flips a bit of it, at random; returns what was done. */
function damage(log: string, random: () => number): string {
  const files = [...contentsOf(log).keys()].filter((path) => statSync(join(log, path)).size > 0).sort();
  const file = files[Math.floor(random() * files.length)]!;
  const path = join(log, file);
  const bytes = readFileSync(path);
  const used = bytes.findLastIndex((byte) => byte !== 0) + 1;
  const at = Math.floor(random() * used);
  if (random() < 0.5) {
    truncateSync(path, at);
    return `${file} cut to ${at} bytes`;
  }
  bytes[at]! ^= 1 << Math.floor(random() * 8);
  writeFileSync(path, bytes);
  return `a bit of byte ${at} of ${file} flipped`;
}

const damaged =
  'a file of the log that is cut short, or has a bit flipped, is made whole again or refused with the next step';
test(`${damaged} (seed ${SEED})`, { timeout: 600_000 }, async () => {
  const random = seeded(SEED);
  const runs = times(3, 60);
  tried(damaged, runs);
  await using first = await startDaemon();
  // So many that there is a full bundle.
  const received: string[] = [];
  const client = await socketClient(first.socket);
  for (let i = 0; i < 300; i++) received.push(String((await client.token()).json().lease_id));
  await first.kill('SIGKILL');
  const vkeys = vkeysIn(first.folder);
  const audit = join(first.folder, 'state/audit');
  const whole = join(first.folder, 'whole');
  cpSync(audit, whole, { recursive: true });
  const outcomes = new Set<string>();
  for (let run = 0; run < runs; run++) {
    rmSync(audit, { recursive: true });
    cpSync(whole, audit, { recursive: true });
    const what = damage(join(audit, '1/1'), random);
    const before = contentsOf(join(audit, '1/1'));
    await using daemon = await first.again({ noWait: true });
    const outcome = await Promise.race([daemon.ended, daemon.logged('serving').catch(() => daemon.ended)]);
    if (outcome === 1) {
      expect(daemon.output(), what).toMatch(/incarnation of the log|restore|repair/);
      expect(contentsOf(join(audit, '1/1')), what).toEqual(before);
      outcomes.add('refused');
      continue;
    }
    await daemon.kill('SIGTERM');
    expect(unrecorded(first.folder, received), what).toEqual([]);
    expect((await verified(first.folder, vkeys)).integrity, what).toMatchObject({ verdict: 'holds', findings: [] });
    outcomes.add('made whole');
  }
  if (runs > 20) expect([...outcomes].sort()).toEqual(['made whole', 'refused']);
});

test('an older state of the log that is put back starts where nothing anchors it, and a head that was kept convicts it', async () => {
  await using first = await startDaemon();
  await receive(first, 2);
  await first.kill('SIGTERM');
  const audit = join(first.folder, 'state/audit');
  const snapshot = join(first.folder, 'snapshot');
  cpSync(audit, snapshot, { recursive: true });
  const second = await first.again();
  await receive(second, 2);
  await second.kill('SIGTERM');
  const kept = join(first.folder, 'kept');
  cpSync(join(audit, '1/1/checkpoint'), kept);

  rmSync(audit, { recursive: true });
  cpSync(snapshot, audit, { recursive: true });
  // The stated window: without an anchor nothing on this machine tells.
  const third = await first.again();
  await receive(third, 5);
  await third.kill('SIGTERM');
  expect((await verified(first.folder)).integrity.verdict).toBe('holds');
  const judged = await tallystick(['audit', 'verify', '--dir', audit, '--consistency', kept, '--json']);
  expect(judged.status).toBe(1);
  expect(judged.stdout).toContain('"head_inconsistent"');
});
