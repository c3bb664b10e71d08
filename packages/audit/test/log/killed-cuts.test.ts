import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLogReader, type LogReader } from '../../src/log/log-reader.ts';
import { createNodeLogFiles } from '../../src/log/node-log-files.ts';
import { openLog } from '../../src/log/open-log.ts';
import { logVerifier, publicNoteKey } from '../../src/tlog/log-signer.ts';
import { KEY_TYPE } from '../../src/tlog/note-key.ts';
import { dice, type Dice } from '../journal/model-disk.ts';
import { kills, SEED } from '../scale.ts';
import { cutOptions } from './cut-options.ts';
import { keyOf } from './test-log.ts';

const PROGRAM = fileURLToPath(new URL('../programs/cut-until-killed.ts', import.meta.url));
const ARGS = ['--conditions=@tallystick/source', '--disable-warning=ExperimentalWarning', PROGRAM];
const KILLS = kills(6);
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallystick-killed-cuts-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts a writer, kills it a moment after it began a cut, and returns `shard seq` of each record that it told of. */
async function killedInCut(life: number, throws: Dice): Promise<string[]> {
  const writer = spawn(process.execPath, [...ARGS, folder, String(life)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(writer, 'close');
  const told: string[] = [];
  let cutsLeft = 1 + throws(3);
  // A cut takes some ten calls to the disk: a moment hits any of them.
  const delayMs = throws(40);
  for await (const line of createInterface({ input: writer.stdout })) {
    if (line !== 'cut') told.push(line);
    else if (--cutsLeft === 0) setTimeout(() => writer.kill('SIGKILL'), delayMs);
  }
  expect((await ended)[1]).toBe('SIGKILL');
  return told;
}

async function textsOf(log: Pick<LogReader, 'readRecords'>): Promise<string[]> {
  const texts: string[] = [];
  for await (const record of log.readRecords(0, Infinity)) texts.push(String(record));
  return texts;
}

test(
  `logs killed again and again in the middle of a cut are found cut as a whole, or not at all (seed ${SEED})`,
  { timeout: 600_000 },
  async ({ task }) => {
    task.meta.tried = KILLS;
    const throws = dice(SEED);
    const acknowledged = new Set<string>();
    for (let life = 0; life < KILLS; life++) {
      for (const each of await killedInCut(life, throws)) acknowledged.add(each);
      const log = await openLog(cutOptions(folder));
      const { shard: newest } = log.place;
      const found: string[][] = [];
      for (let shard = 1; shard < newest; shard++) {
        const name = `acme.example/sc-1/1/${shard}`;
        const verifier = logVerifier(publicNoteKey({ name, privateKey: keyOf(shard) }, KEY_TYPE.ed25519));
        found.push(await textsOf(await openLogReader(createNodeLogFiles(join(folder, `1/${shard}`)), verifier)));
        expect(existsSync(join(folder, `1/${shard}/cut`))).toBe(false);
      }
      found.push(await textsOf(log));
      let carried = 'nothing';
      for (const [i, texts] of found.entries()) {
        expect(texts.slice(0, 2)).toEqual([`0 of acme.example/sc-1/1/${i + 1}`, `1 with ${carried}`]);
        texts.forEach((text, seq) => expect(text.startsWith(`${seq} `)).toBe(true));
        const ends = texts.flatMap((text, seq) => (/ hands on | is the last /.test(text) ? [seq] : []));
        expect(ends).toEqual(i + 1 < newest ? [texts.length - 2, texts.length - 1] : []);
        carried = texts.at(-2)!.split(' hands on ')[1] ?? '';
      }
      for (const each of acknowledged) {
        const [shard, seq] = each.split(' ').map(Number) as [number, number];
        expect(found[shard - 1]?.length ?? 0, each).toBeGreaterThan(seq);
      }
      await log.close();
    }
    expect(acknowledged.size).toBeGreaterThan(KILLS * 30);
  },
);
