import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Batch } from '../../src/journal/batch.ts';
import { createNodeDisk } from '../../src/journal/node-disk.ts';
import { recoverJournal } from '../../src/journal/recovery.ts';
import { kills, SEED } from '../scale.ts';
import { dice } from './model-disk.ts';
import { recordOf, WRITER_SIZES } from './written.ts';

const PROGRAM = fileURLToPath(new URL('../programs/append-until-killed.ts', import.meta.url));
const KILLS = kills(8);
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallystick-journal-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts a writer, kills it when it has told of so many records, and returns those. */
async function killedAfter(life: string, acknowledgements: number): Promise<number[]> {
  const args = ['--conditions=@tallystick/source', '--disable-warning=ExperimentalWarning', PROGRAM, folder, life];
  const writer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(writer, 'close');
  const told: number[] = [];
  for await (const line of createInterface({ input: writer.stdout })) {
    if (line !== 'up') told.push(Number(line));
    if (told.length >= acknowledgements) writer.kill('SIGKILL');
  }
  expect((await ended)[1]).toBe('SIGKILL');
  return told;
}

test(
  `a writer killed again and again, in its recovery too, loses nothing that it told of (seed ${SEED})`,
  { timeout: 600_000 },
  async ({ task }) => {
    task.meta.tried = KILLS;
    const throws = dice(SEED);
    let known: string[] = [];
    for (let life = 0; life < KILLS; life++) {
      const told = await killedAfter(String(life), throws(4) === 0 ? 0 : throws(400));
      const found: Batch[] = [];
      const { journal } = recoverJournal({
        disk: createNodeDisk(folder),
        sizes: WRITER_SIZES,
        onBatch: (batch) => found.push(batch),
      });
      journal.close();
      const records = found.flatMap((batch) => batch.records.map((record) => Buffer.from(record).toString('latin1')));
      expect(records.slice(0, known.length)).toEqual(known);
      for (const [index, record] of records.slice(known.length).entries()) {
        expect(record).toBe(recordOf(known.length + index, String(life)).toString('latin1'));
      }
      for (const seq of told) expect(records[seq]).toBeDefined();
      known = records;
    }
    expect(known.length).toBeGreaterThan(KILLS);
  },
);
