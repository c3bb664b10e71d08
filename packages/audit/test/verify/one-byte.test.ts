import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cosigner,
  formatVkey,
  KEY_TYPE,
  parseTilePath,
  parseTlogPolicy,
  publicNoteKey,
  verifyExitCode,
} from '../../src/index.ts';
import { tampered, writeLog } from './log-on-disk.ts';
import { found, NOW, verified } from './verified.ts';

const witness = { name: 'witness.example', privateKey: generateKeyPairSync('ed25519').privateKey };
const log = writeLog(600, {
  witnesses: [cosigner(witness, () => NOW / 1000 - 60)],
  anchored: [1, 256, 300],
});
const policy = parseTlogPolicy(
  Buffer.from(`log ${log.vkey}\nwitness w ${formatVkey(publicNoteKey(witness, KEY_TYPE.cosignature))}\nquorum w\n`),
);
/**
 * The public key lies in the folder for convenience, and is never trusted. A cosignature whose name or key id was changed
 * is that of somebody unknown: it is ignored, as signed-note asks, and other heads are anchored still.
 */
function counts(path: string, at: number): boolean {
  if (path === 'vkey') return false;
  if (path !== 'checkpoint' && path !== 'heads') return true;
  const bytes = log.files.get(path)!;
  const line = bytes.subarray(bytes.lastIndexOf('\n', at - 1) + 1);
  return bytes[at] === 10 || !line.toString().startsWith('— witness.example');
}

const aByte = fc.constantFrom(...log.files.keys()).chain((path) =>
  fc.record({
    path: fc.constant(path),
    at: fc.nat(log.files.get(path)!.length - 1),
    mask: fc.integer({ min: 1, max: 255 }),
  }),
);

describe('a log whose heads are cosigned', () => {
  test('holds, and is complete', async () => {
    const report = await verified(log, { policy });
    expect(found(report)).toEqual([]);
    expect(verifyExitCode(report)).toBe(0);
  });

  test('is refused after any one byte of its files was changed, but in a file that does not count', async () => {
    await fc.assert(
      fc.asyncProperty(aByte, async ({ path, at, mask }) => {
        const changed = tampered(log, (files) => {
          files.get(path)![at]! ^= mask;
        });
        const report = await verified(changed, { policy });
        if (counts(path, at)) expect(report.integrity.verdict).toBe('fails');
        else expect(['holds', 'fails']).toContain(report.integrity.verdict);
        const named = report.integrity.findings.map(({ file }) => file);
        if (report.integrity.verdict === 'fails') expect(new Set(named)).toEqual(new Set([path]));
        if (path.startsWith('tile/entries/')) expect(report.integrity.findings[0]!.record).toBe(recordAtByte(path, at));
      }),
      { numRuns: 600 },
    );
  });
});

/** Returns the index of the record that a byte of a bundle belongs to, its length included. */
function recordAtByte(path: string, at: number): number {
  const bundle = log.files.get(path)!;
  let index = parseTilePath(path).index * 256;
  for (let end = 0; ; index += 1) {
    end += 2 + bundle.readUInt16BE(end);
    if (at < end) return index;
  }
}
