import { describe, expect, test } from 'vitest';
import {
  cosignatureVerifier,
  formatAddCheckpoint,
  formatVkey,
  KEY_TYPE,
  logSigner,
  logVerifier,
  parseNote,
  parseSignatureLine,
  publicNoteKey,
  signCheckpoint,
} from '../../src/index.ts';
import { createWitness, type Witness, type WitnessAnswer } from '../../src/anchor/witness.ts';
import { openWitnessFolder, type WitnessFolder } from '../../src/anchor/witness-folder.ts';
import type { LogFiles } from '../../src/log/log-files.ts';
import { dice } from '../journal/model-disk.ts';
import { GrowingLog, newKey, ORIGIN } from './growing-log.ts';
import { Crash, ModelFiles, type Ending } from './model-files.ts';

const NOW_MS = 1_795_000_000_999;
const log = new GrowingLog(newKey(ORIGIN));
const fork = log.forkedAt(4);
const other = new GrowingLog(newKey('acme.example/sidecar-2/1/1'));
const logs = (origin: string) => [log, other].filter(({ key }) => key.name === origin).map(({ verifier }) => verifier);
const key = newKey('witness.example/w1');
const clock = { nowMs: () => NOW_MS, monotonicMs: () => 0 };

function openStore(files: LogFiles): Promise<WitnessFolder> {
  return openWitnessFolder({
    folder: '/state',
    openFiles: () => files,
    lock: async () => ({ release: async () => {} }),
  });
}

async function openWitness(files: LogFiles): Promise<Witness> {
  return createWitness({ store: await openStore(files), key, logs, clock });
}

describe('a witness', () => {
  test('answers a cosignature of its key over the checkpoint, with its time', async () => {
    const witness = await openWitness(new ModelFiles());
    const answer = await witness.addCheckpoint(await log.request(0, 7));
    if (answer.status !== 200) throw new Error(`answered ${answer.status}`);
    expect(answer.body.endsWith('\n')).toBe(true);
    const { name, bytes } = parseSignatureLine(answer.body.slice(0, -1));
    expect(name).toBe('witness.example/w1');
    expect(Buffer.from(bytes).readBigUInt64BE()).toBe(BigInt(Math.floor(NOW_MS / 1000)));
    const vkey = publicNoteKey(key, KEY_TYPE.cosignature);
    expect(formatVkey(vkey)).toMatch(/^witness\.example\/w1\+/);
    expect(cosignatureVerifier(vkey).verify(parseNote(log.signed(7)).text, bytes)).toBe(true);
  });

  test('keeps each log by its origin', async () => {
    const witness = await openWitness(new ModelFiles());
    expect((await witness.addCheckpoint(await log.request(0, 7))).status).toBe(200);
    expect((await witness.addCheckpoint(await other.request(0, 3))).status).toBe(200);
    expect(await witness.addCheckpoint(await log.request(0, 9))).toEqual({ status: 409, size: 7 });
    expect(await witness.addCheckpoint(await other.request(0, 9))).toEqual({ status: 409, size: 3 });
  });

  test('asked by many at once lets one of them win and tells the others its size', async () => {
    const witness = await openWitness(new ModelFiles());
    await witness.addCheckpoint(await log.request(0, 5));
    const bodies = await Promise.all([6, 7, 8, 9].map((size) => log.request(5, size)));
    const answers = await Promise.all(bodies.map((body) => witness.addCheckpoint(body)));
    expect(answers.map(({ status }) => status)).toEqual([200, 409, 409, 409]);
    expect(answers[3]).toEqual({ status: 409, size: 6 });
  });

  test('goes on after a restart where it was', async () => {
    const files = new ModelFiles();
    await (await openWitness(files)).addCheckpoint(await log.request(0, 7));
    const witness = await openWitness(files);
    expect(await witness.addCheckpoint(await log.request(0, 9))).toEqual({ status: 409, size: 7 });
    expect((await witness.addCheckpoint(await log.request(7, 9))).status).toBe(200);
  });

  test('does not start where another process keeps the state', async () => {
    const options = { folder: '/state', openFiles: () => new ModelFiles(), lock: async () => undefined };
    await expect(openWitnessFolder(options)).rejects.toMatchObject({ code: 'state_unusable' });
  });

  test('gives the folder back when it is closed, after what is under way', async () => {
    const events: string[] = [];
    const files = new ModelFiles();
    const rename = files.rename;
    files.rename = (from, to) => rename(from, to).then(() => void events.push('renamed'));
    const lock = async () => ({ release: async () => void events.push('released') });
    const store = await openWitnessFolder({ folder: '/state', openFiles: () => files, lock });
    const asked = createWitness({ store, key, logs, clock }).addCheckpoint(await log.request(0, 1));
    await store.close();
    expect(events).toEqual(['renamed', 'released']);
    expect((await asked).status).toBe(200);
  });

  test('whose state has a bit flipped in any byte cosigns nothing', async () => {
    const files = new ModelFiles();
    await (await openWitness(files)).addCheckpoint(await log.request(0, 7));
    const [path, content] = Object.entries(files.content)[0]!;
    const state = Buffer.from(content, 'base64');
    const request = await log.request(7, 9);
    for (const [at, byte] of state.entries()) {
      const flipped = Buffer.from(state);
      flipped[at] = byte ^ (1 << (at % 7));
      files.put(path, flipped);
      const asked = (await openWitness(files)).addCheckpoint(request);
      await expect(asked, `byte ${at}`).rejects.toMatchObject({ code: 'state_unusable' });
    }
  });

  test('does not take the state of another log, or of another witness, for its own', async () => {
    const files = new ModelFiles();
    const witness = await openWitness(files);
    await witness.addCheckpoint(await log.request(0, 7));
    await witness.addCheckpoint(await other.request(0, 7));
    const [[first, one], [second, two]] = Object.entries(files.content) as [[string, string], [string, string]];
    files.put(first, Buffer.from(two, 'base64'));
    files.put(second, Buffer.from(one, 'base64'));
    await expect(witness.addCheckpoint(await log.request(7, 9))).rejects.toMatchObject({ code: 'state_unusable' });
    files.put(first, Buffer.from(one, 'base64'));
    files.put(second, Buffer.from(two, 'base64'));
    const stranger = createWitness({ store: await openStore(files), key: newKey(key.name), logs, clock });
    await expect(stranger.addCheckpoint(await log.request(7, 9))).rejects.toMatchObject({ code: 'state_unusable' });
  });

  test('does not go on from a state that the log alone has signed', async () => {
    const files = new ModelFiles();
    const witness = await openWitness(files);
    await witness.addCheckpoint(await log.request(0, 7));
    files.put(Object.keys(files.content)[0]!, log.signed(1));
    await expect(witness.addCheckpoint(await log.request(1, 9))).rejects.toMatchObject({ code: 'state_unusable' });
  });

  test('holds apart two logs that one key signs', async () => {
    const shared = newKey('keys.example');
    const signer = logSigner(shared);
    const verifier = logVerifier(publicNoteKey(shared, KEY_TYPE.ed25519));
    const files = new ModelFiles();
    const witness = createWitness({ store: await openStore(files), key, logs: () => [verifier], clock });
    const request = (origin: string, size: number) => {
      const checkpoint = signCheckpoint({ origin, size, root: log.root(size) }, [signer]);
      return formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint });
    };
    await witness.addCheckpoint(request('a.example/log', 7));
    const [[path, first] = ['', '']] = Object.entries(files.content);
    await witness.addCheckpoint(request('b.example/log', 9));
    const second = Object.keys(files.content).find((each) => each !== path)!;
    files.put(second, Buffer.from(first, 'base64'));
    await expect(witness.addCheckpoint(request('b.example/log', 9))).rejects.toMatchObject({ code: 'state_unusable' });
  });

  test('after a call to the disk that failed cosigns nothing in this life, not even for another log', async () => {
    const calls = await callsOf(log);
    for (let failing = 0; failing < calls; failing++) {
      const files = new ModelFiles();
      files.fault = (call) => (call === failing ? 'eio' : undefined);
      const witness = await openWitness(files);
      await expect(witness.addCheckpoint(await log.request(0, 7))).rejects.toMatchObject({ code: 'state_unusable' });
      await expect(witness.addCheckpoint(await log.request(0, 7))).rejects.toMatchObject({ code: 'state_unusable' });
      await expect(witness.addCheckpoint(await other.request(0, 7))).rejects.toMatchObject({ code: 'state_unusable' });
    }
    expect(calls).toBeGreaterThan(3);
  });

  test('that crashes in any call to its disk never cosigns two inconsistent heads', async () => {
    const [script, forked] = await Promise.all(
      [log, fork].map((of) =>
        Promise.all([of.request(0, 3), of.request(3, 6), of.request(6, 6), of.request(6, 9), of.request(9, 9)]),
      ),
    );
    const again = await Promise.all([3, 6, 9].map((size) => log.request(size, size)));
    let crashes = 0;
    for (const ending of ['killed', 'power'] satisfies Ending[]) {
      for (const fault of ['crash-before', 'crash-after'] as const) {
        for (let at = 0, crashed = true; crashed; at++) {
          crashed = false;
          for (let seed = 0; seed < 4; seed++) {
            const files = new ModelFiles();
            files.fault = (call) => (call === at ? fault : undefined);
            const cosigned = await run(await openWitness(files), script!);
            if (files.calls <= at) break;
            crashed = true;
            crashes += 1;
            const throws = dice(8 * at + seed);
            // The log asks again for the answer that it missed, and no more, or has gone bad and shows its fork.
            const found = files.after(ending, () => throws(2) === 0);
            const later = await run(await openWitness(found), seed % 2 === 0 ? again : forked!);
            // And the power fails, after a life that had found things in the page cache; the log shows the other side.
            const left = found.after('power', () => throws(4) === 0);
            const latest = await run(await openWitness(left), seed % 2 === 0 ? forked! : script!);
            requireOneHistory([...cosigned, ...later, ...latest], `${ending} ${fault} call ${at} seed ${seed}`);
          }
        }
      }
    }
    expect(crashes).toBeGreaterThan(70);
  });
});

/** Asks in turn until the machine crashes, and returns what was cosigned. */
async function run(witness: Witness, requests: readonly Buffer[]): Promise<string[]> {
  const cosigned: string[] = [];
  for (const request of requests) {
    let answer: WitnessAnswer;
    try {
      answer = await witness.addCheckpoint(request);
    } catch (error) {
      if (!(error instanceof Crash) && !((error as Error).cause instanceof Crash)) throw error;
      return cosigned;
    }
    if (answer.status === 200) cosigned.push(parseNote(request.subarray(request.indexOf('\n\n') + 2)).text);
  }
  return cosigned;
}

function requireOneHistory(texts: readonly string[], at: string): void {
  const sizes = texts.map((text) => Number(text.split('\n')[1]));
  expect(sizes, at).toEqual(sizes.toSorted((a, b) => a - b));
  const sides = new Set(texts.filter((_, i) => sizes[i]! > 4).map((text) => (inLog(text) ? 'log' : 'fork')));
  expect(sides.size, at).toBeLessThanOrEqual(1);
}

function inLog(text: string): boolean {
  const [, size, root] = text.split('\n');
  return log.root(Number(size)).toString('base64') === root;
}

async function callsOf(of: GrowingLog): Promise<number> {
  const files = new ModelFiles();
  await (await openWitness(files)).addCheckpoint(await of.request(0, 7));
  return files.calls;
}
