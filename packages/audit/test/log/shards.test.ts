import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Lineage } from '../../src/log/lineage.ts';
import type { LogFiles } from '../../src/log/log-files.ts';
import { openLogReader } from '../../src/log/log-reader.ts';
import { createNodeLogFiles } from '../../src/log/node-log-files.ts';
import { openLog, openNextIncarnation, type Log, type OpenLogOptions } from '../../src/log/open-log.ts';
import { logVerifier, publicNoteKey } from '../../src/tlog/log-signer.ts';
import { KEY_TYPE } from '../../src/tlog/note-key.ts';
import { cutOptions } from './cut-options.ts';
import { fill, keyOf, NOTHING, optionsFor, recordAt } from './test-log.ts';

let folder = '';
let lineages: Lineage[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallystick-shards-'));
  lineages = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const options = (more: Partial<OpenLogOptions> = {}): OpenLogOptions =>
  optionsFor(folder, {
    opening(lineage) {
      lineages.push(lineage);
      return [() => Buffer.from(`first of ${lineage.origin}`)];
    },
    ...more,
  });

const verifierOf = (origin: string, byte = 1) =>
  logVerifier(publicNoteKey({ name: origin, privateKey: keyOf(byte) }, KEY_TYPE.ed25519));

test('a shard is closed with all it has published, and the next one begins from its last head', async () => {
  const first = await openLog(options());
  await fill(first, 30);
  const late = first.append((seq) => recordAt(seq));
  const second = await first.nextShard(NOTHING);
  await late;
  expect(first.published()?.size).toBe(31);
  expect(lineages[1]).toMatchObject({
    relation: 'shard',
    origin: 'acme.example/sc-1/1/2',
    previous: { origin: 'acme.example/sc-1/1/1', size: 31, root: Buffer.from(first.published()!.root) },
  });
  expect(String(await second.readRecord(0))).toBe('first of acme.example/sc-1/1/2');
  await expect(first.append((seq) => recordAt(seq))).rejects.toMatchObject({ fault: 'closed' });
  expect(Buffer.from(await first.readRecord(17))).toEqual(recordAt(17));
  await second.close();
});

test('the lock goes from a shard to the next: nobody gets it between, and it is free when the last one closes', async () => {
  const first = await openLog(options());
  const second = await first.nextShard(NOTHING);
  await first.close();
  await expect(openLog(options())).rejects.toMatchObject({ fault: 'locked' });
  await second.close();
  const again = await openLog(options());
  expect(again.place).toEqual({ incarnation: 1, shard: 2 });
  await again.close();
});

test('a shard that could not publish all it has is not carried on: its next opening publishes the rest', async () => {
  let broken = false;
  const openFiles = (path: string): LogFiles => {
    const files = createNodeLogFiles(path);
    return {
      ...files,
      async syncFolder(name) {
        if (broken) throw Object.assign(new Error('EIO'), { code: 'EIO' });
        await files.syncFolder(name);
      },
    };
  };
  const first = await openLog(options({ openFiles, onFailure: () => {} }));
  await fill(first, 20);
  broken = true;
  await expect(first.publish()).rejects.toMatchObject({ fault: 'write_failed' });
  broken = false;
  await expect(first.nextShard(NOTHING)).rejects.toMatchObject({ fault: 'write_failed' });
  const again = await openLog(options());
  expect(again.place).toEqual({ incarnation: 1, shard: 1 });
  const second = await again.nextShard(NOTHING);
  expect(lineages.at(-1)?.previous?.size).toBe(20);
  await second.close();
});

test('a shard that a crash left without records begins from the same head when it is opened again', async () => {
  const first = await openLog(options());
  await fill(first, 30);
  const failed = openLogOfNextShard();
  await expect(failed).rejects.toThrow('no first record');
  const again = await openLog(options());
  expect(again.place).toEqual({ incarnation: 1, shard: 2 });
  expect(lineages.at(-1)?.previous?.size).toBe(30);
  expect(again.head()?.size).toBe(1);
  await again.close();

  async function openLogOfNextShard(): Promise<void> {
    await first.close();
    const refusing = await openLog(
      options({
        opening() {
          throw new Error('no first record');
        },
      }),
    );
    await refusing.nextShard(NOTHING);
  }
});

const STATE = Buffer.from('two leases');
const cutting = (more: Partial<OpenLogOptions> = {}): OpenLogOptions => cutOptions(folder, more);

async function textsOf(log: { readRecords: Log['readRecords'] }): Promise<string[]> {
  const texts: string[] = [];
  for await (const record of log.readRecords(0, Infinity)) texts.push(String(record));
  return texts;
}

test('a cut ends the shard with its last records and begins the next with what was carried over, before it returns', async () => {
  const first = await openLog(cutting());
  const second = await first.nextShard(STATE);
  expect(await textsOf(first)).toEqual([
    '0 of acme.example/sc-1/1/1',
    '1 with nothing',
    '2 hands on two leases',
    '3 is the last before acme.example/sc-1/1/2',
  ]);
  expect(first.published()?.size).toBe(4);
  expect(second.head()?.size).toBe(2);
  expect(await textsOf(second)).toEqual(['0 of acme.example/sc-1/1/2', '1 with two leases']);
  expect(existsSync(join(folder, '1/1/cut'))).toBe(false);
  await second.close();
});

test('from the call on a shard takes no record but its last ones', async () => {
  const first = await openLog(cutting());
  const cut = first.nextShard(STATE);
  await expect(first.append(() => Buffer.from('late'))).rejects.toMatchObject({ fault: 'closed' });
  await (await cut).close();
  expect(await textsOf(first)).toHaveLength(4);
});

test('a cut whose state alone was written is forgotten: the shard goes on, and is cut later with another state', async () => {
  const first = await openLog(cutting());
  await first.close();
  writeFileSync(join(folder, '1/1/cut'), '2\nan older state');
  const again = await openLog(cutting());
  expect(again.place.shard).toBe(1);
  expect(existsSync(join(folder, '1/1/cut'))).toBe(false);
  const second = await again.nextShard(STATE);
  expect(await textsOf(second)).toContain('1 with two leases');
  await second.close();
});

test.each([
  ['the first of its last records', 1],
  ['all its last records', 2],
])('a cut that ended after %s is completed by the next opening, each record once', async (_, ends) => {
  const first = await openLog(cutting());
  for (const make of cutting().closing(STATE, 'acme.example/sc-1/1/2').slice(0, ends)) await first.append(make);
  await first.close();
  writeFileSync(join(folder, '1/1/cut'), Buffer.concat([Buffer.from('2\n'), STATE]));
  const second = await openLog(cutting());
  expect(second.place.shard).toBe(2);
  expect(await textsOf(second)).toEqual(['0 of acme.example/sc-1/1/2', '1 with two leases']);
  const files = createNodeLogFiles(join(folder, '1/1'));
  const closed = await openLogReader(files, verifierOf('acme.example/sc-1/1/1'));
  expect((await textsOf(closed)).slice(2)).toEqual([
    '2 hands on two leases',
    '3 is the last before acme.example/sc-1/1/2',
  ]);
  await second.close();
});

test('a shard that a crash left in the middle of its first records gets the others, and those alone', async () => {
  const { opening } = cutting();
  const first = await openLog(cutting());
  await (await first.nextShard(STATE)).close();
  writeFileSync(join(folder, '1/1/cut'), Buffer.concat([Buffer.from('2\n'), STATE]));
  const longer: OpenLogOptions['opening'] = (beginning) => [
    ...opening(beginning),
    (seq) => Buffer.from(`${seq} is the rest`),
  ];
  const again = await openLog(cutting({ opening: longer }));
  expect(await textsOf(again)).toEqual(['0 of acme.example/sc-1/1/2', '1 with two leases', '2 is the rest']);
  expect(existsSync(join(folder, '1/1/cut'))).toBe(false);
  await again.close();
});

test('the file of a cut that is none is refused: what the next shard begins with is not made up', async () => {
  await (await openLog(cutting())).close();
  writeFileSync(join(folder, '1/1/cut'), 'two\n');
  await expect(openLog(cutting())).rejects.toMatchObject({ fault: 'cut_damaged', code: 'state_unusable' });
});

test('each shard signs with a key of its own, which may be made for a log without a head alone', async () => {
  const asked: string[] = [];
  const openKey: OpenLogOptions['openKey'] = async ({ shard }, { mayMake }) => {
    asked.push(`${shard} ${mayMake ? 'new' : 'old'}`);
    return keyOf(shard);
  };
  const first = await openLog(cutting({ openKey }));
  const second = await first.nextShard(STATE);
  await second.close();
  await (await openLog(cutting({ openKey }))).close();
  // In between the key of the first shard is asked for once more: its head is verified before it is carried on.
  expect(asked).toEqual(['1 new', '2 new', '1 old', '2 old']);
  for (const shard of [1, 2]) {
    const files = createNodeLogFiles(join(folder, `1/${shard}`));
    await openLogReader(files, verifierOf(`acme.example/sc-1/1/${shard}`, shard));
  }
});

test('a shard begins only from a head that the key of the shard before has signed', async () => {
  await (await openLog(options())).close();
  mkdirSync(join(folder, '1/2'));
  await expect(openLog(options({ openKey: async () => keyOf(2) }))).rejects.toMatchObject({
    fault: 'checkpoint_invalid',
  });
  rmSync(join(folder, '1/1/checkpoint'));
  await expect(openLog(options())).rejects.toMatchObject({ fault: 'checkpoint_invalid' });
  expect(lineages).toHaveLength(1);
});

test('a shard that has records needs none of those before it: they may have been kept elsewhere, and deleted', async () => {
  const first = await openLog(options());
  await (await first.nextShard(NOTHING)).close();
  rmSync(join(folder, '1/1'), { recursive: true });
  const again = await openLog(options());
  expect(again.place).toEqual({ incarnation: 1, shard: 2 });
  const third = await again.nextShard(NOTHING);
  expect(lineages.at(-1)?.previous?.origin).toBe('acme.example/sc-1/1/2');
  await third.close();
});

test('a new incarnation names the last good head of the damaged one, which stays as it is and readable', async () => {
  const damaged = await openLog(options());
  await fill(damaged, 400);
  await damaged.publish();
  await fill(damaged, 410);
  await damaged.close();
  const [segment = ''] = readdirSync(join(folder, '1/1/journal'));
  const bytes = readFileSync(join(folder, '1/1/journal', segment));
  bytes[700]! ^= 1;
  writeFileSync(join(folder, '1/1/journal', segment), bytes);
  await expect(openLog(options())).rejects.toMatchObject({ fault: 'damaged' });

  const next = await openNextIncarnation(options({ openKey: async () => keyOf(2) }));
  expect(next.origin).toBe('acme.example/sc-1/2/1');
  expect(lineages.at(-1)).toMatchObject({
    relation: 'incarnation',
    previous: { origin: 'acme.example/sc-1/1/1', size: 410 },
  });
  await next.close();
  expect(readFileSync(join(folder, '1/1/journal', segment))).toEqual(bytes);
  const old = await openLogReader(createNodeLogFiles(join(folder, '1/1')), verifierOf('acme.example/sc-1/1/1'));
  const records: Uint8Array[] = [];
  for await (const record of old.readRecords(1, 1000)) records.push(record);
  expect(records.map((record) => Buffer.from(record))).toEqual(Array.from({ length: 409 }, (_, i) => recordAt(i + 1)));
  await old.proveInclusion(405);
});

test('an incarnation that never had a record hides no head: the next one names the good one before it', async () => {
  const good = await openLog(options());
  await fill(good, 20);
  await good.close();
  const failing = options({
    opening() {
      throw new Error('no first record');
    },
  });
  await expect(openNextIncarnation(failing)).rejects.toThrow('no first record');
  const next = await openNextIncarnation(options());
  expect(next.place).toEqual({ incarnation: 3, shard: 1 });
  expect(lineages.at(-1)?.previous).toMatchObject({ origin: 'acme.example/sc-1/1/1', size: 20 });
  await next.close();
});

test('a new incarnation begins where nothing of the old one can be read', async () => {
  await (await openLog(options())).close();
  rmSync(join(folder, '1/1'), { recursive: true });
  const next = await openNextIncarnation(options());
  expect(lineages.at(-1)).toEqual({
    relation: 'incarnation',
    origin: 'acme.example/sc-1/2/1',
    vkey: expect.stringContaining('acme.example/sc-1/2/1+'),
  });
  await next.close();
});

test.each(['', 'a b', 'a+b', 'a/b'])(
  'an owner %j is refused: it would not be one part of an origin',
  async (sidecarId) => {
    await expect(openLog(options({ sidecarId }))).rejects.toMatchObject({ fault: 'origin' });
  },
);
