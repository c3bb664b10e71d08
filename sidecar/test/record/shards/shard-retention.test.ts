import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { foldersIn, logFolder, policyOfVkeys, verifyLogFolder, type Head } from '@tallystick/audit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openRecordedRegistry, readRecordedCopy } from '../../../src/record/registry/recorded-registry.ts';
import { startShardCutting } from '../../../src/record/shards/shard-cutting.ts';
import { startShardRetention } from '../../../src/record/shards/shard-retention.ts';
import { OF_THE_LOG } from '../../../src/record/of-the-log.ts';
import { temporaryFolder } from '../../listen/temporary-folder.ts';
import { manualTime, type ManualTime } from '../../manual-time.ts';
import { memoryLog, type MemoryLog } from '../../memory-log.ts';
import { openedRecorder, recordsOf } from '../opened-recorder.ts';

/** Room for some four shards, of which the journal of each takes at least 64 KiB. */
const LOCAL_MAX = 512 * 1024;

interface Kept {
  readonly folder: string;
  readonly recorder: Awaited<ReturnType<typeof openedRecorder>>;
  readonly replicated: Map<string, Head>;
  readonly time: ManualTime;
  readonly lines: MemoryLog;
  /** Lets a minute pass, and waits for what is done then. */
  look(): Promise<void>;
}

/** A log of shards that take four fifths of their space; those of `has` are in a replica. */
async function kept(has: (shard: number) => boolean, hold = false): Promise<Kept> {
  const folder = temporaryFolder();
  const [time, lines] = [manualTime(), memoryLog()];
  const recorder = await openedRecorder(folder, { shardRecords: 4, localMax: LOCAL_MAX });
  const parts = { recorder, timers: manualTime(), log: lines };
  const recorded = await openRecordedRegistry(folder, await readRecordedCopy(folder), recorder);
  startShardCutting({ ...parts, recorded, isSuspended: () => false, leases: () => [], keys: folder });
  while (recorder.status().space.level === 'ok') {
    await recorder.append({ ...OF_THE_LOG, type: 'sidecar.stopped', body: { cause: 'x'.repeat(500) } });
    await recorder.countSpace();
  }
  expect(recorder.status().space.level).toBe('alarm');
  expect(recorder.place.shard).toBeGreaterThan(3);
  const replicated = new Map<string, Head>();
  for (let shard = 1; shard < recorder.place.shard; shard++) {
    const origin = recorder.origin.replace(/\d+$/, String(shard));
    if (has(shard)) replicated.set(origin, { origin, size: 4, root: Buffer.alloc(32, shard).toString('base64') });
  }
  const stop = startShardRetention({ recorder, folder, replicated, hold, timers: time, log: lines });
  onTestFinished(stop);
  const look = async (): Promise<void> => {
    time.advance(60_000);
    await expect.poll(() => time.waiting).toBe(1);
  };
  return { folder, recorder, replicated, time, lines, look };
}

const shardsIn = (folder: string): string[] => readdirSync(join(folder, '1')).sort();

describe('where the space of the logs gets short', () => {
  test('the oldest shard that a replica has is deleted, on record first, and no more than is needed', async () => {
    const { folder, recorder, lines, look } = await kept(() => true);
    const { usedBytes } = recorder.status().space;
    await look();
    expect(shardsIn(folder)).not.toContain('1');
    expect(shardsIn(folder)).toContain(String(recorder.place.shard - 1));
    expect(recorder.status().space).toMatchObject({ level: 'ok' });
    expect(recorder.status().space.usedBytes).toBeLessThan(usedBytes);
    const deleted = (await recordsOf(recorder)).filter(({ type }) => type === 'log.shard_deleted');
    expect(deleted[0]).toMatchObject({ body: { head: { size: 4, origin: recorder.origin.replace(/\d+$/, '1') } } });
    expect(lines.lines).toContainEqual(expect.objectContaining({ record: recorder.origin.replace(/\d+$/, '1') }));
    await recorder.close();
    const paths = shardsIn(folder).map((shard) => `1/${shard}`);
    const report = await verifyLogFolder({
      readFile: logFolder(folder),
      listFolders: (path) => foldersIn(join(folder, path)),
      policy: policyOfVkeys(paths.map((path) => String(Buffer.from(logFolder(folder)(`${path}/vkey`)!)).trim())),
      level: 'full',
      nowMs: 0,
    });
    expect(report.integrity.verdict).toBe('holds');
    expect(report.completeness.findings.map(({ code }) => code)).toEqual(['earlier_log_absent']);
  });

  test('nothing is deleted that no replica has, nor what comes after it', async () => {
    const { folder, recorder, look } = await kept((shard) => shard > 1);
    const before = shardsIn(folder);
    await look();
    expect(shardsIn(folder)).toEqual(before);
    expect((await recordsOf(recorder)).map(({ type }) => type)).not.toContain('log.shard_deleted');
  });

  test('nothing is deleted under a legal hold', async () => {
    const { folder, look } = await kept(() => true, true);
    const before = shardsIn(folder);
    await look();
    expect(shardsIn(folder)).toEqual(before);
  });
});

test('what a crash has left of a shard that was being deleted is removed, and nothing else', async () => {
  const folder = temporaryFolder();
  const recorder = await openedRecorder(folder);
  mkdirSync(join(folder, '1/7.deleted/tile'), { recursive: true });
  writeFileSync(join(folder, '1/7.deleted/tile/x'), '');
  const stop = startShardRetention({
    recorder,
    folder,
    replicated: new Map(),
    hold: false,
    timers: manualTime(),
    log: memoryLog(),
  });
  await stop();
  expect(shardsIn(folder)).toEqual(['1']);
});
