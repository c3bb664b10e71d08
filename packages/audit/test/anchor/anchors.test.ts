import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  cosignatureTime,
  cosigner,
  formatVkey,
  KEY_TYPE,
  parseNote,
  parseTlogPolicy,
  publicNoteKey,
  signatureOf,
  verifyLog,
} from '../../src/index.ts';
import { openAnchors, type Anchors } from '../../src/anchor/anchors.ts';
import { newestHeads } from '../../src/anchor/newest-heads.ts';
import { openHeadsFile } from '../../src/anchor/heads-file.ts';
import type { Cosignature } from '../../src/anchor/witness-answer.ts';
import { parseHeads } from '../../src/verify/heads.ts';
import { GrowingLog, newKey, ORIGIN } from './growing-log.ts';
import { MemoryHeadsFile } from './memory-heads-file.ts';

const NOW_MS = 1_795_000_000_000;
const clock = { nowMs: () => NOW_MS, monotonicMs: () => 0 };
const log = new GrowingLog(newKey(ORIGIN));
const keys = { w1: newKey('w1.example'), w2: newKey('w2.example') };
const vkeyOf = (name: 'w1' | 'w2') => formatVkey(publicNoteKey(keys[name], KEY_TYPE.cosignature));
const witnesses = `witness w1 ${vkeyOf('w1')} https://w1.example/\nwitness w2 ${vkeyOf('w2')}\n`;
const policyOf = (quorum: string, of = log) =>
  parseTlogPolicy(Buffer.from(`log ${of.vkey}\n${witnesses}group both all w1 w2\nquorum ${quorum}\n`));
const BOTH = policyOf('both');

function cosigned(size: number, name: 'w1' | 'w2', ageSeconds: number): Cosignature {
  const signer = cosigner(keys[name], () => NOW_MS / 1000 - ageSeconds);
  const signature = signatureOf(signer, parseNote(log.signed(size)).text);
  return { signature, time: cosignatureTime(signature.bytes) };
}

const openOn = (file: MemoryHeadsFile, policy = BOTH): Promise<Anchors> =>
  openAnchors({ file, origin: ORIGIN, policy, clock });
const keep = (anchors: Anchors, size: number, ...cosignatures: Cosignature[]) =>
  anchors.keep(log.signed(size), cosignatures);

describe('the anchors of a log', () => {
  test('without any say that a rollback would not show', async () => {
    expect((await openOn(new MemoryHeadsFile())).state()).toEqual({
      rollback: 'undetectable',
      quorum: 'missed',
      anchor: null,
      cosigned: null,
    });
  });

  test('with a quorum say who has cosigned, at which size, and how long ago the earliest of them did', async () => {
    const anchors = await openOn(new MemoryHeadsFile());
    await keep(anchors, 7, cosigned(7, 'w1', 90), cosigned(7, 'w2', 60));
    const facts = { size: 7, witnesses: ['w1', 'w2'], timeMs: NOW_MS - 90_000, ageMs: 90_000 };
    expect(anchors.state()).toEqual({ rollback: 'detectable', quorum: 'reached', anchor: facts, cosigned: facts });
    expect(anchors.newest).toMatchObject({ size: 7, origin: ORIGIN, root: log.root(7) });
  });

  test('that miss the quorum since say so, and keep the anchor that had it', async () => {
    const anchors = await openOn(new MemoryHeadsFile());
    await keep(anchors, 7, cosigned(7, 'w1', 90), cosigned(7, 'w2', 90));
    for (let size = 8; size < 12; size++) await keep(anchors, size, cosigned(size, 'w1', 20 - size));
    expect(anchors.state()).toMatchObject({
      rollback: 'detectable',
      quorum: 'missed',
      anchor: { size: 7, ageMs: 90_000 },
      cosigned: { size: 11, witnesses: ['w1'], ageMs: 9000 },
    });
    expect(anchors.newest?.size).toBe(7);
  });

  test('that never had the quorum do not make a rollback detectable: no verifier with this policy would see it', async () => {
    const anchors = await openOn(new MemoryHeadsFile());
    await keep(anchors, 7, cosigned(7, 'w1', 0));
    expect(anchors.state()).toMatchObject({
      rollback: 'undetectable',
      quorum: 'missed',
      anchor: null,
      cosigned: { size: 7 },
    });
    const unasked = await openOn(new MemoryHeadsFile(), policyOf('none'));
    expect(unasked.state()).toMatchObject({ rollback: 'undetectable', quorum: 'not_asked' });
  });

  test('are not from the future where the clock of a witness is a little ahead', async () => {
    const anchors = await openOn(new MemoryHeadsFile(), policyOf('w1'));
    await keep(anchors, 7, cosigned(7, 'w1', -10));
    expect(anchors.state().anchor).toMatchObject({ ageMs: 0, timeMs: NOW_MS + 10_000 });
  });

  test('remember per witness the size to begin at, over a restart too', async () => {
    const file = new MemoryHeadsFile();
    const anchors = await openOn(file);
    await keep(anchors, 7, cosigned(7, 'w1', 9), cosigned(7, 'w2', 9));
    await keep(anchors, 9, cosigned(9, 'w2', 8));
    for (const each of [anchors, await openOn(file)]) {
      expect([each.sizeAt('w1'), each.sizeAt('w2'), each.sizeAt('w3')]).toEqual([7, 9, 0]);
      expect(each.state()).toEqual(anchors.state());
    }
  });

  test('in a file of thousands are found from its end alone', async () => {
    const one = await openOn(new MemoryHeadsFile());
    const { checkpoint } = await keep(one, 7, cosigned(7, 'w1', 9), cosigned(7, 'w2', 9));
    const many = Buffer.concat(Array<Buffer>(2000).fill(Buffer.concat([checkpoint, Buffer.from('\n')])));
    const file = new MemoryHeadsFile(many);
    const read = file.read;
    let bytesRead = 0;
    file.read = async (from) => {
      const bytes = await read(from);
      bytesRead += bytes.length;
      return bytes;
    };
    const anchors = await openOn(file);
    await keep(anchors, 9, cosigned(9, 'w1', 1));
    expect(anchors).toMatchObject({ tornBytes: 0, refused: 0 });
    expect(anchors.state()).toMatchObject({ anchor: { size: 7 }, cosigned: { size: 9 } });
    expect(bytesRead).toBeLessThan(many.length / 2);
    expect(parseHeads(file.bytes)).toHaveLength(2001);
  });

  test('are found from any place of the file on, but for the one that begins before it', async () => {
    const file = new MemoryHeadsFile();
    const anchors = await openOn(file);
    for (const size of [7, 9, 11]) await keep(anchors, size, cosigned(size, 'w1', 9));
    const starts = parseHeads(file.bytes).map((head) => file.bytes.indexOf(head));
    for (let from = 0; from < file.bytes.length; from++) {
      // The empty line before a head is what shows that one begins.
      const seen = parseHeads(file.bytes).filter((_, i) => starts[i]! >= from + 2);
      const found = newestHeads(file.bytes.subarray(from), false);
      expect(found.heads.map(String), `${from}`).toEqual(seen.map(String));
      expect(found.tornBytes, `${from}`).toBe(0);
    }
  });

  test('cut off anywhere are read up to there, say so, and go on with a whole file', async () => {
    const file = new MemoryHeadsFile();
    const first = await openOn(file);
    await keep(first, 7, cosigned(7, 'w1', 9), cosigned(7, 'w2', 9));
    const whole = file.bytes.length;
    await keep(first, 9, cosigned(9, 'w1', 8), cosigned(9, 'w2', 8));
    const bytes = file.bytes;
    for (let length = 0; length <= bytes.length; length++) {
      const torn = new MemoryHeadsFile(bytes.subarray(0, length));
      const anchors = await openOn(torn);
      const heads = length === bytes.length ? 2 : length >= whole ? 1 : 0;
      expect(anchors.tornBytes, `${length}`).toBe(length - [0, whole, bytes.length][heads]!);
      expect([anchors.refused, anchors.newest?.size ?? 0], `${length}`).toEqual([0, [0, 7, 9][heads]]);
      await keep(anchors, 11, cosigned(11, 'w1', 7));
      expect(parseHeads(torn.bytes), `${length}`).toHaveLength(heads + 1);
    }
  });

  test('are believed only as far as their signatures hold: no flipped bit makes another anchor', async () => {
    const file = new MemoryHeadsFile();
    await keep(await openOn(file), 7, cosigned(7, 'w1', 9), cosigned(7, 'w2', 9));
    for (const [at, byte] of file.bytes.entries()) {
      const flipped = Buffer.from(file.bytes);
      flipped[at] = byte ^ (1 << (at % 7));
      const anchors = await openOn(new MemoryHeadsFile(flipped));
      expect(anchors.newest, `byte ${at}`).toBeUndefined();
      expect(anchors.refused + anchors.tornBytes + (anchors.state().cosigned ? 1 : 0), `byte ${at}`).toBeGreaterThan(0);
    }
  });

  test('of another log, or signed by nobody who is trusted, are left as they are and counted', async () => {
    const file = new MemoryHeadsFile();
    await keep(await openOn(file), 7, cosigned(7, 'w1', 9), cosigned(7, 'w2', 9));
    const before = file.bytes;
    const other = new GrowingLog(newKey(ORIGIN));
    expect(await openOn(file, policyOf('both', other))).toMatchObject({ refused: 1, newest: undefined });
    const elsewhere = await openAnchors({ file, origin: 'acme.example/sidecar-1/2/1', policy: BOTH, clock });
    expect(elsewhere).toMatchObject({ refused: 1, newest: undefined });
    expect(file.bytes).toEqual(before);
    await expect(elsewhere.keep(log.signed(9), [cosigned(9, 'w1', 0)])).rejects.toMatchObject({ fault: 'origin' });
  });

  test('may be followed by the closing head of a shard, which nobody has cosigned and which is none', async () => {
    const file = new MemoryHeadsFile();
    const anchors = await openOn(file);
    await keep(anchors, 7, cosigned(7, 'w1', 9), cosigned(7, 'w2', 9));
    await keep(anchors, 9);
    for (const each of [anchors, await openOn(file)]) {
      expect(each).toMatchObject({ refused: 0, newest: { size: 7 } });
      expect(each.state()).toMatchObject({ quorum: 'reached', cosigned: { size: 7 } });
    }
    expect(parseHeads(file.bytes)).toHaveLength(2);
  });

  test('are not kept with a cosignature of another head', async () => {
    const file = new MemoryHeadsFile();
    await expect(keep(await openOn(file), 7, cosigned(9, 'w1', 9))).rejects.toMatchObject({ fault: 'signature' });
    expect(file.bytes).toHaveLength(0);
  });

  test('that cannot be read are not taken for none', async () => {
    const file = new MemoryHeadsFile();
    file.read = () => Promise.reject(Object.assign(new Error('i/o error'), { code: 'EIO' }));
    await expect(openOn(file)).rejects.toMatchObject({ code: 'state_unusable', fault: 'heads_unusable' });
  });

  test('after an append that failed are kept no more, as the file may end within a head', async () => {
    const file = new MemoryHeadsFile();
    const anchors = await openOn(file);
    file.failAfter = (length) => length - 10;
    await expect(keep(anchors, 7, cosigned(7, 'w1', 9))).rejects.toMatchObject({ fault: 'heads_unusable' });
    file.failAfter = () => undefined;
    await expect(keep(anchors, 8, cosigned(8, 'w1', 9))).rejects.toMatchObject({ fault: 'heads_unusable' });
    const again = await openOn(file);
    expect(again.tornBytes).toBeGreaterThan(0);
    await keep(again, 8, cosigned(8, 'w1', 9));
    expect(parseHeads(file.bytes)).toHaveLength(1);
  });
});

describe('in a real folder', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallystick-anchors-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('anchors are appended, cut and read again', async () => {
    const path = join(folder, 'heads');
    const options = { origin: ORIGIN, policy: BOTH, clock };
    const anchors = await openAnchors({ ...options, file: await openHeadsFile(path) });
    await keep(anchors, 7, cosigned(7, 'w1', 9), cosigned(7, 'w2', 9));
    await anchors.close();
    const torn = await openHeadsFile(path);
    await torn.append(log.signed(8));
    await torn.close();
    const again = await openAnchors({ ...options, file: await openHeadsFile(path) });
    expect(again).toMatchObject({ tornBytes: log.signed(8).length, newest: { size: 7 } });
    await keep(again, 9, cosigned(9, 'w1', 9), cosigned(9, 'w2', 9));
    await again.close();
    expect(parseHeads(readFileSync(path))).toHaveLength(2);
  });

  test('anchors are what the verifier finds in the folder of the log', async () => {
    const anchors = await openAnchors({
      file: await openHeadsFile(join(folder, 'verified')),
      origin: ORIGIN,
      policy: BOTH,
      clock,
    });
    await keep(anchors, 7, cosigned(7, 'w1', 30), cosigned(7, 'w2', 9));
    await anchors.close();
    const files: Record<string, Buffer> = { checkpoint: log.signed(7), heads: readFileSync(join(folder, 'verified')) };
    const report = await verifyLog({
      readFile: (path) => files[path],
      policy: BOTH,
      level: 'signature',
      nowMs: NOW_MS,
    });
    expect(report).toMatchObject({ rollback: 'detectable', anchor: { size: 7, ageMs: 30_000 }, earlierHeads: 1 });
  });
});
