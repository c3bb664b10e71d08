import { execFile, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  formatVkey,
  KEY_TYPE,
  logSigner,
  proveConsistency,
  proveInclusion,
  publicNoteKey,
  signCheckpoint,
  tileHashReader,
} from '@tallystick/audit';
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest';
import { memoryLog, rootOf } from '../../packages/audit/test/tlog/memory-log.ts';
import { describeWithServers } from '../servers/require-server.ts';

const PROGRAM = fileURLToPath(new URL('tlog/', import.meta.url));
const ORIGIN = 'acme.example/sidecar-1/01/2026';
const key = { name: ORIGIN, privateKey: generateKeyPairSync('ed25519').privateKey };
const vkey = formatVkey(publicNoteKey(key, KEY_TYPE.ed25519));
const log = memoryLog(66_000);
const base64 = (hash: Uint8Array): string => Buffer.from(hash).toString('base64');

describeWithServers(['go'], 'golang.org/x/mod/sumdb, on a log of ours', () => {
  let folder: string;
  let claims: string;
  /** Why there is no program: the module cannot be fetched without a network. */
  let unbuilt: Error | undefined;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tallystick-tlog-'));
    for (const [path, bytes] of log.tiles) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), bytes);
    }
    const checkpoint = { origin: ORIGIN, size: log.size, root: log.root };
    await writeFile(join(folder, 'checkpoint'), signCheckpoint(checkpoint, [logSigner(key)]));
    claims = JSON.stringify(await makeProofs());
    const built = promisify(execFile)('go', ['build', '-o', join(folder, 'check'), '.'], { cwd: PROGRAM });
    await built.catch((error: Error) => (unbuilt = error));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  function needProgram({ skip }: TestContext): void {
    if (!unbuilt) return;
    if (process.env.CI) throw unbuilt;
    process.stderr.write(`\nNOT TESTED: ${unbuilt.message}\n`);
    skip();
  }

  async function check(): Promise<string> {
    const program = spawn(join(folder, 'check'), [folder, vkey]);
    program.stdin.end(claims);
    const [out, refusal, [code]] = await Promise.all([
      text(program.stdout),
      text(program.stderr),
      once(program, 'close') as Promise<[number]>,
    ]);
    return code === 0 ? out : `refused: ${refusal}`;
  }

  test('opens the checkpoint, finds every leaf in the tree, and makes and accepts the same proofs', async (context) => {
    needProgram(context);
    expect(await check()).toBe(`${ORIGIN} 66000 leaves 18 proofs\n`);
  });

  test.for([
    'tile/0/003',
    'tile/0/257.p/208',
    'tile/1/000',
    'tile/1/001.p/1',
    'tile/2/000.p/1',
    'tile/entries/007',
    'checkpoint',
  ])('refuses the log for one bit of %s', async (path, context) => {
    needProgram(context);
    const whole = await readFile(join(folder, path));
    const changed = Buffer.from(whole);
    changed[20]! ^= 1;
    await writeFile(join(folder, path), changed);
    expect(await check()).toMatch(/^refused: /);
    await writeFile(join(folder, path), whole);
  });
});

/** The proofs that the program checks, and compares with its own. */
async function makeProofs(): Promise<{ inclusion: object; consistency: object }> {
  const read = tileHashReader(log.size, log.readTile);
  const inclusion: Record<number, string[]> = {};
  for (const index of [0, 1, 255, 256, 257, 65_535, 65_536, 65_999])
    inclusion[index] = (await proveInclusion(index, log.size, read)).map(base64);
  const consistency: Record<number, { root: string; proof: string[] }> = {};
  for (const size of [1, 2, 3, 255, 256, 65_535, 65_536, 65_537, 65_999, 66_000]) {
    const proof = await proveConsistency(size, log.size, read);
    consistency[size] = { root: base64(rootOf(log, size)), proof: proof.map(base64) };
  }
  return { inclusion, consistency };
}
