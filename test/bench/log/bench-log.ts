import type { KeyObject } from 'node:crypto';
import {
  createNodeLogFiles,
  encodeRecord,
  openLog,
  startJournalThread,
  type Log,
  type TakeLock,
} from '@tallystick/audit';
import { systemClock, systemTimers } from '@tallystick/core';
import { sampleRecord } from './sample-records.ts';

/** Whose log a measurement writes. */
export interface BenchLogOptions {
  /** An existing folder that nothing else uses: nothing is locked. */
  readonly folder: string;
  readonly privateKey: KeyObject;
  readonly sidecarId?: string;
}

/** Opens a log as the sidecar does: on this machine's disk, its journal in a thread of its own. */
export function openBenchLog({
  folder,
  privateKey,
  sidecarId = '01M827D9P0ZYXTC84FXVEDQGAZ',
}: BenchLogOptions): Promise<Log> {
  return openLog({
    folder,
    trustDomain: 'acme.example',
    sidecarId,
    openKey: async () => privateKey,
    clock: systemClock,
    timers: systemTimers,
    lock,
    openFiles: createNodeLogFiles,
    openJournal: (path, onBatch) => startJournalThread({ folder: path, onBatch }),
    opening: ({ origin }) => [() => encodeRecord(sampleRecord(origin, { seq: 0 }))],
    closing: () => [],
    onFailure: (error) => {
      throw error;
    },
  });
}

const lock: TakeLock = async () => ({ release: async () => {} });

/** How many records are on their way at once: few enough that none is refused because the disk does not follow. */
const ROUND = 8192;

/** Appends records until the log has `size`, and publishes them all. */
export async function fillLog(log: Log, size: number, recordAt: (seq: number) => Buffer): Promise<void> {
  for (let left = size - log.head()!.size; left > 0; left -= ROUND) {
    await Promise.all(Array.from({ length: Math.min(ROUND, left) }, () => log.append(recordAt)));
    await log.publish();
  }
}
