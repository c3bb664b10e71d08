import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createNodeDisk,
  decodeEntryBundle,
  foldersIn,
  formatTilePath,
  parseCheckpointBody,
  parseNote,
  recoverJournal,
  TILE_WIDTH,
} from '@tallystick/audit';

/** A record of the log. */
export interface RecordLine {
  readonly type: string;
  readonly seq: number;
  readonly lease: string | null;
  readonly refs: readonly { readonly rel: string; readonly id: string }[];
  readonly reason: string | null;
  readonly outcome: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Returns the records of all logs of a daemon's folder, in their order: what is published, and what the journal has. */
export function readRecords(folder: string): RecordLine[] {
  const audit = join(folder, 'state/audit');
  return numbersIn(audit).flatMap((incarnation) =>
    numbersIn(join(audit, incarnation)).flatMap((shard) => readLog(join(audit, incarnation, shard))),
  );
}

function numbersIn(folder: string): string[] {
  return foldersIn(folder)
    .filter((name) => /^\d+$/.test(name))
    .sort((a, b) => Number(a) - Number(b));
}

/** Returns the records of the log in one folder. */
export function readLog(log: string): RecordLine[] {
  const leaves: Uint8Array[] = [];
  const size = publishedSize(log);
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
    // A full one takes the place of a partial one as the log grows.
    const found = [width, TILE_WIDTH].find((each) => existsSync(bundlePath(log, index, each)))!;
    leaves.push(...decodeEntryBundle(readFileSync(bundlePath(log, index, found)), found).slice(0, width));
  }
  // Of a copy: recovery begins a new segment, which belongs to the next start.
  const copy = mkdtempSync(join(tmpdir(), 'tallystick-journal-'));
  try {
    cpSync(join(log, 'journal'), copy, { recursive: true });
    const { journal } = recoverJournal({
      disk: createNodeDisk(copy),
      onBatch: ({ firstSeq, records }) => records.forEach((record, i) => (leaves[firstSeq + i] = Buffer.from(record))),
    });
    journal.close();
  } finally {
    rmSync(copy, { recursive: true });
  }
  return leaves.map((leaf) => JSON.parse(Buffer.from(leaf).toString()) as RecordLine);
}

function bundlePath(log: string, index: number, width: number): string {
  return join(log, formatTilePath({ level: 'entries', index, width }));
}

function publishedSize(log: string): number {
  const path = join(log, 'checkpoint');
  return existsSync(path) ? parseCheckpointBody(parseNote(readFileSync(path)).text, 'refuse').size : 0;
}
