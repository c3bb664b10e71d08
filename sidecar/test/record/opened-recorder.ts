import { createNodeDisk, inlineJournal } from '@tallystick/audit';
import { systemClock, systemRandom, systemTimers } from '@tallystick/core';
import { onTestFinished } from 'vitest';
import { OF_THE_LOG } from '../../src/record/of-the-log.ts';
import { openRecorder } from '../../src/record/open-recorder.ts';
import type { OpenedRecorder, OpenRecorderOptions } from '../../src/record/opened-recorder.ts';
import type { RecordInput } from '../../src/record/record.ts';
import { manualTime } from '../manual-time.ts';

export const SIDECAR = '01KAMZ3CT000000000000000AA';

/** Opens a recorder over a real log, in one folder for its keys and itself, and closes it with the test. */
export async function openedRecorder(
  folder: string,
  options: Partial<OpenRecorderOptions> = {},
): Promise<OpenedRecorder> {
  const recorder = await openRecorder({
    folder,
    keys: folder,
    trustDomain: 'acme.example',
    sidecarId: SIDECAR,
    version: '1.2.3',
    clock: manualTime(),
    disk: { clock: systemClock, timers: systemTimers },
    heartbeat: undefined,
    random: systemRandom,
    openJournal: inlineJournal(createNodeDisk, { unitBytes: 65_536, segmentBytes: 262_144 }),
    localMax: undefined,
    escrow: undefined,
    isReplicated: false,
    fiscalYear: { start: '01-01', zone: 'UTC' },
    known: undefined,
    newIncarnation: undefined,
    anchor: undefined,
    onFailure: () => {},
    ...options,
  });
  onTestFinished(() => recorder.close().catch(() => {}));
  return recorder;
}

/** Returns a record that says little and may stand anywhere. */
export const stopped = (cause = 'signal'): RecordInput<'sidecar.stopped'> => ({
  ...OF_THE_LOG,
  type: 'sidecar.stopped',
  body: { cause },
});

/** Returns all that a recorder's log holds, parsed. */
export async function recordsOf(recorder: OpenedRecorder): Promise<Record<string, unknown>[]> {
  const records: Record<string, unknown>[] = [];
  for await (const bytes of recorder.log.readRecords(0, Infinity)) {
    records.push(JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>);
  }
  return records;
}
