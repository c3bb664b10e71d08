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

/** Appends records until the log has `size`, many at a time. */
export async function fillLog(log: Log, size: number, recordAt: (seq: number) => Buffer): Promise<void> {
  let next = log.head()!.size;
  const appendAll = async (): Promise<void> => {
    while (next < size) {
      next += 1;
      await log.append(recordAt);
    }
  };
  await Promise.all(Array.from({ length: 1024 }, appendAll));
}
