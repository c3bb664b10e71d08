import { cpSync } from 'node:fs';
import { canonicalJson } from '@tallystick/core';
import { createNodeDisk } from '../../src/journal/node-disk.ts';
import { inlineJournal } from '../../src/log/journal-opener.ts';
import type { LogWriter } from '../../src/log/log.ts';
import { openLog, type OpenLogOptions } from '../../src/log/open-log.ts';
import { keyOf, NOTHING, optionsFor } from '../log/test-log.ts';

/** What a golden log is opened with: a key that everybody knows, a time that stands, and small segments. */
export function goldenOptions(folder: string): OpenLogOptions {
  return optionsFor(folder, {
    openKey: async () => keyOf(7),
    clock: { nowMs: () => TIME_MS, monotonicMs: () => 0 },
    timers: { after: () => ({ cancel: () => {} }) },
    lock: async () => ({ release: async () => {} }),
    openJournal: inlineJournal(createNodeDisk, { unitBytes: 8192, segmentBytes: 16_384 }),
    opening({ relation, origin, previous }) {
      const type = relation === 'shard' ? 'log.shard_opened' : 'log.genesis';
      const head = previous && {
        origin: previous.origin,
        size: previous.size,
        root: Buffer.from(previous.root).toString('base64'),
      };
      const time = new Date(TIME_MS).toISOString();
      return [() => line({ type, origin, seq: 0, time, body: { previous: head ?? null } })];
    },
  });
}

/** The record of a golden log at `seq`, but for the first. */
export function goldenRecord(origin: string, seq: number): Buffer {
  const time = new Date(TIME_MS + seq * 1000).toISOString();
  return line({ type: 'log.heartbeat', origin, seq, time, body: { note: '€'.repeat(seq % 7) } });
}

/**
 * Makes a golden log: a shard of 300 records that was closed, and the next one, of 27, as a killed process leaves it,
 * with the last 7 in the journal alone. The same bytes every time.
 *
 * @param work An empty folder, to work in.
 * @param folder Where the result goes.
 */
export async function makeGolden(work: string, folder: string): Promise<void> {
  const first = await openLog(goldenOptions(work));
  await grow(first, 200);
  await first.publish();
  await grow(first, 300);
  const second = await first.nextShard(NOTHING);
  await grow(second, 20);
  await second.publish();
  await grow(second, 27);
  cpSync(work, folder, { recursive: true });
  await second.close();
}

const TIME_MS = Date.UTC(2026, 0, 1);

async function grow(log: LogWriter, size: number): Promise<void> {
  while (log.head()!.size < size) {
    const count = Math.min(10, size - log.head()!.size);
    await Promise.all(Array.from({ length: count }, () => log.append((seq) => goldenRecord(log.origin, seq))));
  }
}

function line(value: Parameters<typeof canonicalJson>[0]): Buffer {
  return Buffer.from(canonicalJson(value));
}
