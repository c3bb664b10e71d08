import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLogReader } from '../../src/log/log-reader.ts';
import { createNodeLogFiles } from '../../src/log/node-log-files.ts';
import { openLog } from '../../src/log/open-log.ts';
import { logVerifier, publicNoteKey } from '../../src/tlog/log-signer.ts';
import { formatVkey, KEY_TYPE } from '../../src/tlog/note-key.ts';
import { foldersIn, logFolder } from '../../src/verify/log-folder.ts';
import { policyOfVkeys } from '../../src/verify/trust.ts';
import { verifyLogFolder } from '../../src/verify/verify-log-folder.ts';
import { keyOf } from '../log/test-log.ts';
import { goldenOptions, goldenRecord, makeGolden } from './make-golden.ts';

const GOLDEN = fileURLToPath(new URL('./v1', import.meta.url));
let work = '';
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'tallystick-golden-'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

function filesBelow(folder: string): Map<string, Buffer> {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return new Map(paths.map((path) => [path.slice(folder.length), readFileSync(path)]));
}

test('the golden log of format 1 is opened, has every record at its index, and goes on', async () => {
  cpSync(GOLDEN, work, { recursive: true });
  const log = await openLog(goldenOptions(work));
  expect(log.place).toEqual({ incarnation: 1, shard: 2 });
  expect(log.restoration).toEqual({ size: 27, tornSectors: 0, repaired: [] });
  expect(log.published()?.size).toBe(20);
  let seq = 1;
  for await (const record of log.readRecords(1, 100))
    expect(Buffer.from(record)).toEqual(goldenRecord(log.origin, seq++));
  expect(seq).toBe(27);
  await log.append((at) => goldenRecord(log.origin, at));
  await log.close();
  expect(log.published()?.size).toBe(28);
});

test('its closed shard is read and proven from its tiles', async () => {
  const origin = 'acme.example/sc-1/1/1';
  const verifier = logVerifier(publicNoteKey({ name: origin, privateKey: keyOf(7) }, KEY_TYPE.ed25519));
  const log = await openLogReader(createNodeLogFiles(join(GOLDEN, '1/1')), verifier);
  expect(log.published()?.size).toBe(300);
  for (let seq = 1; seq < 300; seq++) expect(Buffer.from(await log.readRecord(seq))).toEqual(goldenRecord(origin, seq));
  await log.proveInclusion(299);
});

test('the verifier finds that both shards hold, given their keys and nothing else', async () => {
  const policy = policyOfVkeys(
    ['acme.example/sc-1/1/1', 'acme.example/sc-1/1/2'].map((name) =>
      formatVkey(publicNoteKey({ name, privateKey: keyOf(7) }, KEY_TYPE.ed25519)),
    ),
  );
  const report = await verifyLogFolder({
    readFile: logFolder(GOLDEN),
    listFolders: (path) => foldersIn(join(GOLDEN, path)),
    policy,
    level: 'full',
    nowMs: Date.UTC(2026, 0, 1),
  });
  expect(report.logs.map(({ path, head, integrity }) => [path, head?.size, integrity.verdict])).toEqual([
    ['1/1', 300, 'holds'],
    ['1/2', 20, 'holds'],
  ]);
  expect(report.integrity.verdict).toBe('holds');
});

test('this version writes the bytes of format 1: who changes one writes another golden log beside it', async () => {
  const made = join(work, 'made');
  await makeGolden(mkdtempSync(join(work, 'work-')), made);
  expect([...filesBelow(made).keys()]).toEqual([...filesBelow(GOLDEN).keys()]);
  expect(filesBelow(made)).toEqual(filesBelow(GOLDEN));
});
