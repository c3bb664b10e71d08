import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { leafHash } from '@tallystick/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLog } from '../../src/log/open-log.ts';
import { CompactRange } from '../../src/tlog/compact-range.ts';
import { dice } from '../journal/model-disk.ts';
import { recordOf } from '../journal/written.ts';
import { kills, SEED } from '../scale.ts';
import { optionsFor } from './test-log.ts';

const PROGRAM = fileURLToPath(new URL('../programs/log-until-killed.ts', import.meta.url));
const ARGS = ['--conditions=@tallystick/source', '--disable-warning=ExperimentalWarning', PROGRAM];
const KILLS = kills(6);
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallystick-killed-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Told {
  readonly seqs: number[];
  readonly heads: Map<number, string>;
}

/** Starts a writer, kills it when it has told of so many records, and returns what it told. */
async function killedAfter(life: string, acknowledgements: number): Promise<Told> {
  const writer = spawn(process.execPath, [...ARGS, folder, life], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(writer, 'close');
  const told: Told = { seqs: [], heads: new Map() };
  for await (const line of createInterface({ input: writer.stdout })) {
    const [word = '', size, root = ''] = line.split(' ');
    if (word === 'head') told.heads.set(Number(size), root);
    else if (word !== 'up') told.seqs.push(Number(word));
    if (told.seqs.length >= acknowledgements) writer.kill('SIGKILL');
  }
  expect((await ended)[1]).toBe('SIGKILL');
  return told;
}

test(
  `a log killed again and again while it appends, publishes or opens keeps what it told of, and every head (seed ${SEED})`,
  { timeout: 600_000 },
  async ({ task }) => {
    task.meta.tried = KILLS;
    const throws = dice(SEED);
    const known: string[] = [];
    const heads = new Map<number, string>();
    for (let life = 0; life < KILLS; life++) {
      const told = await killedAfter(String(life), throws(4) === 0 ? 0 : throws(150));
      const log = await openLog(optionsFor(folder, { opening: () => [() => recordOf(0, String(life))] }));
      const range = new CompactRange();
      let seq = 0;
      for await (const record of log.readRecords(0, Infinity)) {
        const text = Buffer.from(record).toString('latin1');
        if (seq === known.length) known.push(recordOf(seq, String(life)).toString('latin1'));
        if (text !== known[seq]) throw new Error(`record ${seq} is not the one that was appended`);
        range.append(leafHash(record));
        seq++;
        const root = range.root().toString('hex');
        if ((told.heads.get(seq) ?? root) !== root) throw new Error(`the head of size ${seq} is contradicted`);
      }
      expect(seq).toBe(known.length);
      for (const each of told.seqs) expect(each).toBeLessThan(seq);
      for (const [size, root] of told.heads) {
        expect(size).toBeLessThanOrEqual(seq);
        expect(heads.get(size) ?? root).toBe(root);
        heads.set(size, root);
      }
      await log.close();
    }
    expect(known.length).toBeGreaterThan(KILLS);
    expect(heads.size).toBeGreaterThan(KILLS);
  },
);

test('of two processes that open one folder the second is refused, and gets it when the first is killed', async () => {
  const own = mkdtempSync(join(tmpdir(), 'tallystick-two-'));
  const start = (life: string, stderr: 'inherit' | 'ignore' = 'inherit') =>
    spawn(process.execPath, [...ARGS, own, life], { stdio: ['ignore', 'pipe', stderr] });
  const firstLines = async (child: ReturnType<typeof start>, count: number): Promise<string[]> => {
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout! })) if (lines.push(line) === count) break;
    return lines;
  };
  const first = start('a');
  const firstEnded = once(first, 'close');
  expect((await firstLines(first, 2))[0]).toBe('up');
  const second = start('b', 'ignore');
  expect(await firstLines(second, 2)).toEqual(['up', 'refused locked']);
  first.kill('SIGKILL');
  await firstEnded;
  const third = start('c');
  const thirdEnded = once(third, 'close');
  expect((await firstLines(third, 2))[1]).toMatch(/^\d+$/);
  third.kill('SIGKILL');
  await thirdEnded;
  rmSync(own, { recursive: true });
});
