// What shows that the record was rolled back: a witness and a replica whose machines crash over and over.
import {
  createFolderTarget,
  createWitness,
  KEY_TYPE,
  logSigner,
  logVerifier,
  openReplica,
  openWitnessFolder,
  publicNoteKey,
  signCheckpoint,
  type Witness,
} from '@tallystick/audit';
import { expect, test } from 'vitest';
import { GrowingLog, newKey, ORIGIN } from '../../packages/audit/test/anchor/growing-log.ts';
import { Crash, ModelFiles } from '../../packages/audit/test/anchor/model-files.ts';
import { memoryLog } from '../../packages/audit/test/tlog/memory-log.ts';
import { SEED, seeded, times, tried } from './scale.ts';

const LIVES = 6;
const MAX_SIZE = 12;
const FORKED_AT = 3;
const key = newKey(ORIGIN);
const sides = [new GrowingLog(key), new GrowingLog(key).forkedAt(FORKED_AT)] as const;
const requests = new Map<string, Promise<Buffer>>();

/** Returns a request of one side, signed once: all runs ask with the same ones. */
function requestOf(side: 0 | 1, oldSize: number, size: number): Promise<Buffer> {
  const name = `${side} ${oldSize} ${size}`;
  let request = requests.get(name);
  if (!request) requests.set(name, (request = sides[side].request(oldSize, size)));
  return request;
}

/** Returns a machine on which the next life ends at one of the first calls to its disk. */
function nextLife(files: ModelFiles, random: () => number, calls: number): ModelFiles {
  const next = files.after(random() < 0.5 ? 'killed' : 'power', () => random() < 0.5);
  const last = Math.floor(random() * calls);
  next.fault = (call) => (call === last ? (random() < 0.5 ? 'crash-before' : 'crash-after') : undefined);
  return next;
}

const crashed = (error: unknown): boolean =>
  error instanceof Crash || (error instanceof Error && error.cause !== undefined && crashed(error.cause));

const title = 'a witness whose machine crashes again and again cosigns one history of a log that shows two';
test(`${title} (seed ${SEED})`, { timeout: 600_000 }, async () => {
  const runs = times(60, 4000);
  const witnessKey = newKey('witness.example/w1');
  const logs = (): [ReturnType<typeof logVerifier>] => [sides[0].verifier];
  const clock = { nowMs: () => 1_795_000_000_000, monotonicMs: () => 0 };
  const lock = async () => ({ release: async () => {} });
  let cosignatures = 0;
  for (let run = 0; run < runs; run++) {
    const random = seeded(SEED + run);
    const told: { side: number; size: number }[] = [];
    let files = new ModelFiles();
    for (let life = 0; life < LIVES; life++) {
      files = nextLife(files, random, 20);
      const store = await openWitnessFolder({ folder: '/state', openFiles: () => files, lock });
      told.push(...(await askUntilCrash(createWitness({ store, key: witnessKey, logs, clock }), random)));
    }
    cosignatures += told.length;
    const at = `seed ${SEED + run}: ${JSON.stringify(told)}`;
    expect(told, at).toEqual(told.toSorted((a, b) => a.size - b.size));
    expect(new Set(told.filter(({ size }) => size > FORKED_AT).map(({ side }) => side)).size, at).toBeLessThanOrEqual(
      1,
    );
  }
  expect(cosignatures).toBeGreaterThan(runs);
  tried(title, runs * LIVES);
});

/** Asks for both sides, from where the witness says it is, and returns what it told a cosignature of. */
async function askUntilCrash(witness: Witness, random: () => number): Promise<{ side: number; size: number }[]> {
  const told: { side: number; size: number }[] = [];
  let from = 0;
  for (let asked = 0; asked < 8; asked++) {
    const side = random() < 0.5 ? 0 : 1;
    const size = Math.min(MAX_SIZE, from + Math.floor(random() * 3));
    try {
      const answer = await witness.addCheckpoint(await requestOf(side, from, size));
      if (answer.status === 200) told.push({ side, size: (from = size) });
      if (answer.status === 409) from = answer.size;
    } catch (error) {
      if (!crashed(error)) throw error;
      return told;
    }
  }
  return told;
}

const copied = 'a replica whose machine crashes again and again ends byte for byte the same';
test(`${copied} (seed ${SEED})`, { timeout: 600_000 }, async () => {
  const runs = times(40, 1000);
  const log = memoryLog(1100);
  const head = signCheckpoint({ origin: ORIGIN, size: log.size, root: log.root }, [logSigner(key)]);
  const verifier = logVerifier(publicNoteKey(key, KEY_TYPE.ed25519));
  const replicate = async (files: ModelFiles): Promise<number> => {
    const target = createFolderTarget(files);
    const readFile = (path: string): Buffer | undefined => log.tiles.get(path);
    const replica = await openReplica({ readFile, target, folder: ORIGIN, log: verifier });
    return (await replica.replicate(head)).size;
  };
  const whole = new ModelFiles();
  await replicate(whole);
  let crashes = 0;
  for (let run = 0; run < runs; run++) {
    const random = seeded(SEED + run);
    let files = new ModelFiles();
    for (let records: number | undefined; records === undefined;) {
      files = nextLife(files, random, 100);
      records = await replicate(files).catch((error: unknown) => {
        if (!crashed(error)) throw error;
        crashes += 1;
        return undefined;
      });
    }
    // What was acknowledged is there after any loss of power.
    expect(files.after('power', () => false).content, `seed ${SEED + run}`).toEqual(whole.content);
  }
  expect(crashes).toBeGreaterThan(runs / 4);
  tried(copied, crashes);
});
