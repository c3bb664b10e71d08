import { parseRecord, type Envelope, type Log } from '@tallystick/audit';
import { TallystickError } from '@tallystick/core';
import type { DurabilityFacts } from './log-folder.ts';
import { OF_THE_LOG } from './of-the-log.ts';
import type { Recorder } from './record.ts';

/** Sectors of a journal, in bytes. */
const SECTOR_BYTES = 512;

/** Records the start of this run, and what was found of the one before. */
export async function recordBoot(
  recorder: Recorder,
  log: Log,
  facts: { version: string; durability: DurabilityFacts; boot: string; nowMs: number },
): Promise<void> {
  const { version, durability, nowMs } = facts;
  const last = await recordAt(log, log.head()!.size - 1);
  if (last.type === 'log.shard_closed') {
    throw new TallystickError('state_unusable', `the shard ${log.origin} is closed, and nothing says what follows it`, {
      remedy: 'restore the file "cut" of that shard, or begin a new incarnation of the log',
    });
  }
  const records = [
    recorder.append({
      ...OF_THE_LOG,
      type: 'log.boot',
      // A clock that was set back while nobody looked is said to have been.
      clock: { offset_ms: Math.min(0, Math.round(nowMs - Date.parse(last.time))), source: 'last-record', synced: null },
      body: { durability, openIntents: 0, previousBoot: last.boot === facts.boot ? null : last.boot, version },
    }),
  ];
  const { size, tornSectors } = log.restoration;
  if (tornSectors > 0) {
    records.push(
      recorder.append({
        ...OF_THE_LOG,
        type: 'log.recovered',
        body: { droppedBytes: tornSectors * SECTOR_BYTES, segment: 'newest', size },
      }),
    );
  }
  await Promise.all(records);
}

/** Returns the envelope of a record of a log that is open. */
export async function recordAt(log: Log, seq: number): Promise<Envelope & { readonly type: string }> {
  return parseRecord(await log.readRecord(seq)).record;
}
