import { leafHash } from '@tallystick/core';
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createNodeDisk } from '../../src/journal/node-disk.ts';
import { inlineJournal } from '../../src/log/journal-opener.ts';
import { openLog, type Log } from '../../src/log/open-log.ts';
import { parseTlogPolicy } from '../../src/tlog/parse-tlog-policy.ts';
import { parseTlogProof } from '../../src/tlog/tlog-proof.ts';
import { verifyTlogProof } from '../../src/tlog/verify-tlog-proof.ts';
import { fill, optionsFor, recordAt } from './test-log.ts';

let folder = '';
let log: Log;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tallystick-reading-'));
  // Published only when the test says so.
  const timers = { after: () => ({ cancel: () => {} }) };
  log = await openLog(optionsFor(folder, { timers, openJournal: inlineJournal(createNodeDisk) }));
  await fill(log, 600);
  await log.publish();
  await fill(log, 700);
});
afterAll(async () => {
  await log.close();
  rmSync(folder, { recursive: true, force: true });
});

async function collect(records: AsyncIterable<Uint8Array>): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for await (const record of records) all.push(Buffer.from(record));
  return all;
}

test('records are read from tiles and, before they are published, from the log itself', async () => {
  expect(log.published()?.size).toBe(600);
  expect(log.head()?.size).toBe(700);
  for (const seq of [1, 255, 256, 511, 512, 599, 600, 699]) {
    expect(Buffer.from(await log.readRecord(seq))).toEqual(recordAt(seq));
  }
});

test.each([
  [1, 5],
  [250, 260],
  [500, 700],
  [599, 601],
  [690, 2000],
  [700, 800],
])('the records of [%i, %i) come in order, as far as there are any', async (from, to) => {
  const expected = Array.from({ length: Math.max(0, Math.min(to, 700) - from) }, (_, i) => recordAt(from + i));
  expect(await collect(log.readRecords(from, to))).toEqual(expected);
});

test('a scan goes on while what it reads is published', async () => {
  const own = mkdtempSync(join(tmpdir(), 'tallystick-scan-'));
  const growing = await openLog(optionsFor(own));
  await fill(growing, 400);
  const seen: Buffer[] = [];
  for await (const record of growing.readRecords(1, 1000)) {
    if (seen.push(Buffer.from(record)) === 300) {
      await growing.publish();
      await fill(growing, 800);
    }
  }
  expect(seen).toEqual(Array.from({ length: 799 }, (_, i) => recordAt(i + 1)));
  await growing.close();
  rmSync(own, { recursive: true });
});

test.each([-1, 700, 1.5, NaN])('there is no record %d', async (seq) => {
  await expect(log.readRecord(seq)).rejects.toMatchObject({ fault: 'index' });
});

test('a proof is verified by whoever has the key, against the published checkpoint', async () => {
  const policy = parseTlogPolicy(Buffer.from(`log ${readFileSync(join(folder, '1/1/vkey'), 'utf8')}quorum none\n`));
  for (const seq of [0, 255, 256, 511, 512, 599]) {
    const proof = parseTlogProof(await log.proveInclusion(seq));
    expect(proof.index).toBe(seq);
    const record = await log.readRecord(seq);
    expect(verifyTlogProof(proof, leafHash(record), policy, 'refuse').size).toBe(600);
  }
});

test('what is not published has no proof', async () => {
  await expect(log.proveInclusion(600)).rejects.toMatchObject({ fault: 'index' });
});

test('no proof is given out of tiles that were changed', async () => {
  const file = join(folder, '1/1/tile/entries/000');
  const right = readFileSync(file);
  const wrong = Buffer.from(right);
  wrong[right.indexOf('record')]! ^= 1;
  writeFileSync(file, wrong);
  await expect(log.proveInclusion(1)).rejects.toMatchObject({ code: 'log_invalid' });
  writeFileSync(file, right);
});
