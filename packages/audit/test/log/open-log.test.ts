import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createNodeDisk } from '../../src/journal/node-disk.ts';
import { inlineJournal } from '../../src/log/journal-opener.ts';
import type { LogFault } from '../../src/log/log-error.ts';
import { openLog, openNextIncarnation, type Log, type OpenLogOptions } from '../../src/log/open-log.ts';
import { fill, keyOf, optionsFor, recordAt } from './test-log.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallystick-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (more: Partial<OpenLogOptions> = {}): Promise<Log> => openLog(optionsFor(folder, more));
const path = (...parts: string[]): string => join(folder, '1/1', ...parts);

/** Leaves a closed log of so many records behind. */
async function logOf(size: number): Promise<void> {
  const log = await open();
  await fill(log, size);
  await log.close();
}

const refusal = (fault: LogFault, code = 'state_unusable'): unknown => expect.objectContaining({ fault, code });

/** Changes one byte of a file. */
function spoil(file: string, offset = 0): void {
  const bytes = readFileSync(file);
  bytes[offset]! ^= 1;
  writeFileSync(file, bytes);
}

describe('a log that is opened', () => {
  test('begins with the record its caller makes for a genesis, and goes on where it ended', async () => {
    const log = await open();
    expect(log.origin).toBe('acme.example/sc-1/1/1');
    expect(JSON.parse(String(await log.readRecord(0)))).toEqual({ relation: 'genesis', previous: null });
    await fill(log, 20);
    await log.close();
    const again = await open();
    expect(again.restoration).toEqual({ size: 20, tornSectors: 0, repaired: [] });
    const { seq } = await again.append((at) => recordAt(at));
    expect(seq).toBe(20);
    expect(again.head()?.size).toBe(21);
    await again.close();
  });

  test('gives every record its index while it is made, in the order of the calls', async () => {
    const log = await open();
    const made: number[] = [];
    const appended = await Promise.all(
      Array.from({ length: 50 }, () => log.append((seq) => (made.push(seq), recordAt(seq)))),
    );
    expect(appended.map(({ seq }) => seq)).toEqual(made);
    expect(made).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    await log.close();
  });

  test('takes no number for a record whose making fails, or which is too long', async () => {
    const log = await open();
    const failed = log.append(() => {
      throw new Error('no record');
    });
    const long = log.append(() => Buffer.alloc(65_536));
    await expect(failed).rejects.toThrow('no record');
    await expect(long).rejects.toMatchObject({ fault: 'record_too_long' });
    await expect(log.append((seq) => recordAt(seq))).resolves.toMatchObject({ seq: 1 });
    await log.close();
  });

  test('is refused while another has it open, and let go when that one closes', async () => {
    const log = await open();
    await expect(open()).rejects.toEqual(refusal('locked'));
    await log.close();
    await (await open()).close();
  });

  test('gives the lock back when it is refused', async () => {
    await logOf(10);
    writeFileSync(path('checkpoint'), 'nothing\n');
    await expect(open()).rejects.toEqual(refusal('checkpoint_invalid'));
    await expect(open()).rejects.toEqual(refusal('checkpoint_invalid'));
  });

  test('is restored from tiles alone where the journal has given records away', async () => {
    await logOf(3000);
    const [first = ''] = readdirSync(path('journal')).sort();
    expect(Number(first.slice(0, 16))).toBeGreaterThan(256);
    const log = await open();
    await fill(log, 3500);
    for (let seq = 1; seq < 3500; seq += 101) expect(Buffer.from(await log.readRecord(seq))).toEqual(recordAt(seq));
    await log.close();
  });
});

describe('a log is refused, with the next step,', () => {
  test('when its last head is signed by another key', async () => {
    const log = await open();
    await fill(log, 10);
    // Killed before anything was published: the head is in the journal alone.
    cpSync(path('journal'), join(folder, 'journal'), { recursive: true });
    await log.close();
    rmSync(path(), { recursive: true });
    cpSync(join(folder, 'journal'), path('journal'), { recursive: true });
    await expect(open({ openKey: async () => keyOf(2) })).rejects.toEqual(refusal('head_invalid'));
  });

  test('when its checkpoint is signed by another key', async () => {
    await logOf(10);
    await expect(open({ openKey: async () => keyOf(2) })).rejects.toEqual(refusal('checkpoint_invalid'));
  });

  test('when it is of another origin', async () => {
    await logOf(10);
    await expect(open({ sidecarId: 'sc-2' })).rejects.toEqual(refusal('checkpoint_invalid'));
  });

  test('when the journal ends before the published checkpoint', async () => {
    await logOf(10);
    cpSync(path('journal'), join(folder, 'older'), { recursive: true });
    await logOf(20);
    rmSync(path('journal'), { recursive: true });
    renameSync(join(folder, 'older'), path('journal'));
    await expect(open()).rejects.toEqual(refusal('tail_lost'));
  });

  test('when the whole journal is gone', async () => {
    await logOf(10);
    rmSync(path('journal'), { recursive: true });
    await expect(open()).rejects.toEqual(refusal('tail_lost'));
  });

  test('when the checkpoint is gone, and the journal has given records away', async () => {
    await logOf(3000);
    rmSync(path('checkpoint'));
    await expect(open()).rejects.toEqual(refusal('checkpoint_missing'));
  });

  test('when the checkpoint is older than what the journal has given away', async () => {
    await logOf(10);
    cpSync(path('checkpoint'), join(folder, 'older'));
    await logOf(3000);
    cpSync(join(folder, 'older'), path('checkpoint'));
    await expect(open()).rejects.toEqual(refusal('forked'));
  });

  test('when the checkpoint is of other records than the journal', async () => {
    await logOf(10);
    cpSync(path('checkpoint'), join(folder, 'other'));
    rmSync(path(), { recursive: true });
    const log = await open();
    await fill(log, 20, 'another');
    await log.close();
    cpSync(join(folder, 'other'), path('checkpoint'));
    await expect(open()).rejects.toEqual(refusal('forked'));
  });

  test('when a tile that the journal cannot prove any more leads to another root', async () => {
    await logOf(3000);
    const [name = ''] = readdirSync(path('tile/1/000.p'));
    for (const width of readdirSync(path('tile/1/000.p'))) spoil(path('tile/1/000.p', width));
    expect(name).not.toBe('');
    await expect(open()).rejects.toEqual(refusal('tiles_damaged'));
  });

  test('when such a tile is gone', async () => {
    await logOf(3000);
    rmSync(path('tile/1'), { recursive: true });
    await expect(open()).rejects.toEqual(refusal('tiles_damaged'));
  });

  test('when the journal is damaged', async () => {
    await logOf(10);
    const [name = ''] = readdirSync(path('journal'));
    spoil(path('journal', name), 700);
    await expect(open()).rejects.toMatchObject({ fault: 'damaged', code: 'state_unusable' });
  });

  test('signing nothing: what is refused leaves the checkpoint as it is', async () => {
    await logOf(3000);
    for (const width of readdirSync(path('tile/1/000.p'))) spoil(path('tile/1/000.p', width));
    const before = readFileSync(path('checkpoint'));
    await expect(open()).rejects.toThrow('state_unusable');
    expect(readFileSync(path('checkpoint'))).toEqual(before);
  });
});

describe('tiles that the journal proves', () => {
  test.each(['tile/entries/000.p', 'tile/0/000.p'])('are written again where they were changed: %s', async (row) => {
    await logOf(100);
    const files = readdirSync(path(row)).map((width) => path(row, width));
    const right = files.map((file) => readFileSync(file));
    for (const file of files) spoil(file, 40);
    const log = await open();
    expect(log.restoration.repaired).toEqual([`${row}/100`]);
    expect(readFileSync(path(row, '100'))).toEqual(right[files.indexOf(path(row, '100'))]);
    await log.close();
  });

  test('are written again where they are gone, the published head staying the same', async () => {
    const whole = { openJournal: inlineJournal(createNodeDisk) };
    const before = await open(whole);
    await fill(before, 300);
    await before.close();
    const published = readFileSync(path('checkpoint'));
    rmSync(path('tile'), { recursive: true });
    const log = await open(whole);
    expect(log.restoration.repaired).toEqual([
      'tile/0/000',
      'tile/0/001.p/44',
      'tile/1/000.p/1',
      'tile/entries/000',
      'tile/entries/001.p/44',
    ]);
    expect(readFileSync(path('checkpoint'))).toEqual(published);
    await log.proveInclusion(17);
    await log.close();
  });
});

describe('a log that is known to have had records', () => {
  const known = { incarnation: 1, shard: 2 };

  test('is not begun anew where it has none, before its key is asked for', async () => {
    const asked: unknown[] = [];
    const { openKey } = optionsFor(folder);
    const opening = open({
      known,
      openKey(place, options) {
        asked.push(place);
        return openKey(place, options);
      },
    });
    await expect(opening).rejects.toEqual(refusal('behind_anchor'));
    expect(asked).toEqual([]);
  });

  test('goes on where its records are there, and hinders no later incarnation', async () => {
    await logOf(3);
    await (await open({ known })).close();
    rmSync(join(folder, '1'), { recursive: true });
    const next = await openNextIncarnation(optionsFor(folder, { known }));
    expect(next.origin).toBe('acme.example/sc-1/2/1');
    await next.close();
  });
});

describe('with an anchor', () => {
  const anchorOf = (log: Log): OpenLogOptions['anchor'] => ({
    place: log.place,
    size: log.head()!.size,
    root: log.head()!.root,
  });

  test('a folder restored from an older copy is refused; without one nothing tells it', async () => {
    await logOf(300);
    cpSync(path(), join(folder, 'backup'), { recursive: true });
    const log = await open();
    await fill(log, 900);
    const anchor = anchorOf(log)!;
    await log.close();
    rmSync(path(), { recursive: true });
    renameSync(join(folder, 'backup'), path());

    await expect(open({ anchor })).rejects.toEqual(refusal('behind_anchor'));
    const rolledBack = await open();
    expect(rolledBack.head()?.size).toBe(300);
    await fill(rolledBack, 1000, 'another');
    await rolledBack.close();
    // It has grown past the anchor meanwhile: now its root tells.
    await expect(open({ anchor })).rejects.toEqual(refusal('forked'));
  });

  test('of every earlier size a log opens that has grown from it', async () => {
    const anchors: NonNullable<OpenLogOptions['anchor']>[] = [];
    const log = await open();
    for (let size = 100; size <= 2000; size += 380) {
      await fill(log, size);
      anchors.push(anchorOf(log)!);
    }
    await log.close();
    for (const anchor of anchors) await (await open({ anchor })).close();
  });

  test('of an older incarnation the newest log opens, and with one of a newer it does not', async () => {
    await logOf(10);
    const root = Buffer.alloc(32);
    const next = await openNextIncarnation(optionsFor(folder));
    await next.close();
    await (await open({ anchor: { place: { incarnation: 1, shard: 1 }, size: 500, root } })).close();
    const ahead = { place: { incarnation: 2, shard: 2 }, size: 1, root };
    await expect(open({ anchor: ahead })).rejects.toEqual(refusal('behind_anchor'));
  });
});

test('the folder has the layout that FORMAT.md gives', async () => {
  await logOf(300);
  expect(readdirSync(path()).sort()).toEqual(['checkpoint', 'journal', 'tile', 'vkey']);
  expect(existsSync(path('tile/entries/000'))).toBe(true);
  expect(existsSync(path('tile/entries/000.p'))).toBe(false);
  expect(readFileSync(path('checkpoint'), 'utf8')).toMatch(
    /^acme\.example\/sc-1\/1\/1\n300\n[^\n]+\n\n— acme\.example\/sc-1\/1\/1 /,
  );
  expect(readFileSync(path('vkey'), 'utf8')).toMatch(/^acme\.example\/sc-1\/1\/1\+[0-9a-f]{8}\+[^\n]+\n$/);
});
