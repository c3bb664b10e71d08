import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatSignerKey } from '../../src/index.ts';
import { dice } from '../journal/model-disk.ts';
import { kills, SEED } from '../scale.ts';
import { GrowingLog, newKey, ORIGIN } from './growing-log.ts';

const PROGRAM = fileURLToPath(new URL('../programs/witness-until-killed.ts', import.meta.url));
const KILLS = kills(6);
const key = newKey('witness.example/w1');
const log = new GrowingLog(newKey(ORIGIN));
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallystick-witness-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Life {
  ask(body: Buffer): Promise<{ status: number; text: string } | undefined>;
  kill(): Promise<void>;
}

async function startWitness(): Promise<Life> {
  const args = ['--conditions=@tallystick/source', '--disable-warning=ExperimentalWarning', PROGRAM];
  const child = spawn(process.execPath, [...args, folder, formatSignerKey(key), log.vkey], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return {
    async ask(body) {
      try {
        const answer = await fetch(`http://127.0.0.1:${port}/add-checkpoint`, {
          method: 'POST',
          body: new Uint8Array(body),
        });
        return { status: answer.status, text: await answer.text() };
      } catch {
        return undefined;
      }
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

test(
  `a witness killed again and again cosigns one history of a log that shows two (seed ${SEED})`,
  { timeout: 600_000 },
  async ({ task }) => {
    task.meta.tried = KILLS;
    const throws = dice(SEED);
    const fork = log.forkedAt(1);
    /** The largest head that somebody outside holds a cosignature of. */
    let held = { size: 1, root: log.root(1) };
    for (let life = 0; life < KILLS; life++) {
      const witness = await startWitness();
      const known = await witness.ask(await log.request(0, 1));
      // What was cosigned and told is the least that the witness knows.
      const size = known?.status === 409 ? Number(known.text) : 1;
      expect(size).toBeGreaterThanOrEqual(held.size);
      // One of the two histories fits to what it knows, and both of them are tried.
      for (const branch of throws(2) === 0 ? [log, fork] : [fork, log]) {
        const answer = await witness.ask(await branch.request(size, size));
        if (answer?.status === 200 && size === held.size) expect(branch.root(size)).toEqual(held.root);
      }
      const grow = async (branch: GrowingLog): Promise<void> => {
        for (let from = size; ;) {
          const to = from + 1 + throws(3);
          const answer = await witness.ask(await branch.request(from, to));
          if (answer?.status !== 200) return;
          expect(held.size === 1 || branch.root(held.size).equals(held.root), `seed ${SEED} life ${life}`).toBe(true);
          held = { size: to, root: branch.root(to) };
          from = to;
        }
      };
      const growing = [grow(log), grow(fork)];
      for (let ticks = throws(40); ticks > 0; ticks--) await new Promise(setImmediate);
      for (let asked = throws(4); asked > 0; asked--) await witness.ask(await log.request(0, 1));
      await witness.kill();
      await Promise.all(growing);
    }
    expect(held.size).toBeGreaterThan(KILLS);
  },
);
