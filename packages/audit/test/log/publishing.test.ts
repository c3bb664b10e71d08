import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TallystickError, Timers } from '@tallystick/core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { LogFiles } from '../../src/log/log-files.ts';
import { createNodeLogFiles } from '../../src/log/node-log-files.ts';
import { openLog, type Log, type OpenLogOptions } from '../../src/log/open-log.ts';
import { PUBLISH_EARLY_RECORDS } from '../../src/log/publisher.ts';
import { fill, optionsFor, recordAt } from './test-log.ts';

let folder = '';
let now = 0;
let due: { at: number; callback: () => void }[] = [];
const failures: TallystickError[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallystick-publishing-'));
  now = 0;
  due = [];
  failures.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const timers: Timers = {
  after(delayMs, callback) {
    const entry = { at: now + Math.max(0, delayMs), callback };
    due.push(entry);
    return { cancel: () => void (due = due.filter((each) => each !== entry)) };
  },
};

/** Lets time pass; returns how many callbacks were due. */
function pass(ms: number): number {
  now += ms;
  const fired = due.filter(({ at }) => at <= now);
  due = due.filter(({ at }) => at > now);
  for (const { callback } of fired) callback();
  return fired.length;
}

const open = (more: Partial<OpenLogOptions> = {}): Promise<Log> =>
  openLog(
    optionsFor(folder, {
      timers,
      clock: { nowMs: () => now, monotonicMs: () => now },
      onFailure: (error) => failures.push(error),
      ...more,
    }),
  );

const published = (log: Log, size: number): Promise<void> =>
  vi.waitFor(() => expect(log.published()?.size).toBe(size), { interval: 5 });

test('the first records are published at once, and after that no more than once a second', async () => {
  const log = await open();
  pass(0);
  await published(log, 1);
  await fill(log, 10);
  expect(pass(999)).toBe(0);
  expect(log.published()?.size).toBe(1);
  await fill(log, 20);
  expect(pass(1)).toBe(1);
  await published(log, 20);
  expect(pass(100_000)).toBe(0);
  await log.close();
});

test(`${PUBLISH_EARLY_RECORDS} records are published without waiting`, async () => {
  const log = await open();
  pass(0);
  await published(log, 1);
  await Promise.all(Array.from({ length: PUBLISH_EARLY_RECORDS }, () => log.append((seq) => recordAt(seq))));
  await published(log, 1 + PUBLISH_EARLY_RECORDS);
  await log.close();
});

test('what was durable and not published in an earlier life is published in the next', async () => {
  const log = await open();
  await fill(log, 50);
  const copy = mkdtempSync(join(tmpdir(), 'tallystick-copied-'));
  cpSync(folder, copy, { recursive: true });
  await log.close();
  const again = await open({ folder: copy });
  expect(again.published()).toBeUndefined();
  pass(0);
  await published(again, 50);
  await again.close();
  rmSync(copy, { recursive: true });
});

test('a partial tile goes when the full one is there, and not before', async () => {
  const log = await open();
  await fill(log, 100);
  await log.publish();
  await fill(log, 200);
  await log.publish();
  expect(readdirSync(join(folder, '1/1/tile/entries/000.p')).sort()).toEqual(['100', '200']);
  await fill(log, 300);
  await log.publish();
  expect(existsSync(join(folder, '1/1/tile/entries/000.p'))).toBe(false);
  expect(existsSync(join(folder, '1/1/tile/0/000.p'))).toBe(false);
  expect(readdirSync(join(folder, '1/1/tile/entries')).sort()).toEqual(['000', '001.p']);
  await log.close();
});

test('the journal gives records away once they are in full bundles, and only then', async () => {
  const log = await open();
  await fill(log, 3000);
  const journal = (): number => readdirSync(join(folder, '1/1/journal')).length;
  const before = journal();
  expect(before).toBeGreaterThan(5);
  await log.publish();
  expect(journal()).toBeLessThan(before);
  const [oldest = ''] = readdirSync(join(folder, '1/1/journal')).sort();
  expect(Number(oldest.slice(0, 16))).toBeLessThanOrEqual(Math.floor(3000 / 256) * 256);
  await log.close();
});

test('a tile that is there with another content stops the log: it is never written over, nor published under', async () => {
  const log = await open();
  await fill(log, 10);
  await log.publish();
  await fill(log, 20);
  const path = join(folder, '1/1/tile/entries/000.p/20');
  writeFileSync(path, 'another');
  await expect(log.publish()).rejects.toMatchObject({ fault: 'tile_differs' });
  expect(readFileSync(path, 'utf8')).toBe('another');
  expect(log.published()?.size).toBe(10);
  expect(failures).toMatchObject([{ fault: 'tile_differs' }]);
  await expect(log.append((seq) => recordAt(seq))).rejects.toMatchObject({ fault: 'tile_differs' });
  await log.close();
});

test('a bundle that is not read back as it was written keeps its records in the journal, and stops the log', async () => {
  const openFiles = (path: string): LogFiles => {
    const files = createNodeLogFiles(path);
    return {
      ...files,
      async read(file) {
        const content = await files.read(file);
        if (file === 'tile/entries/000') content![9]! ^= 1;
        return content;
      },
    };
  };
  const log = await open({ openFiles });
  await fill(log, 1000);
  const before = readdirSync(join(folder, '1/1/journal')).length;
  await expect(log.publish()).rejects.toMatchObject({ fault: 'tile_differs' });
  expect(readdirSync(join(folder, '1/1/journal'))).toHaveLength(before);
  await log.close();
});

test.each([
  ['ENOSPC', 'disk_full'],
  ['EIO', 'write_failed'],
])('a disk that says %s to a tile stops the log for good: nothing is tried again', async (code, fault) => {
  let writes = 0;
  let broken = false;
  const openFiles = (path: string): LogFiles => {
    const files = createNodeLogFiles(path);
    return {
      ...files,
      async write(contents) {
        writes++;
        if (broken) throw Object.assign(new Error(code), { code });
        await files.write(contents);
      },
    };
  };
  const log = await open({ openFiles });
  await fill(log, 10);
  await log.publish();
  await fill(log, 20);
  broken = true;
  await expect(log.publish()).rejects.toMatchObject({ fault, code: 'record_unavailable' });
  broken = false;
  const before = writes;
  await expect(log.publish()).rejects.toMatchObject({ fault });
  await expect(log.append((seq) => recordAt(seq))).rejects.toMatchObject({ fault });
  expect(pass(10_000)).toBe(0);
  expect(writes).toBe(before);
  expect(failures).toHaveLength(1);
  await log.close();
  const again = await open();
  expect(again.head()?.size).toBe(20);
  await again.close();
});

test('records are refused, for a while, when more wait to be published than memory should hold', async () => {
  const held = Promise.withResolvers<void>();
  const openFiles = (path: string): LogFiles => {
    const files = createNodeLogFiles(path);
    return { ...files, link: (from, to) => held.promise.then(() => files.link(from, to)) };
  };
  const log = await open({ openFiles });
  const record = Buffer.alloc(65_535, 1);
  const fillUp = async (): Promise<void> => {
    for (;;) await Promise.all(Array.from({ length: 14 }, () => log.append(() => record)));
  };
  await expect(fillUp()).rejects.toMatchObject({ fault: 'backlog', retryable: true });
  held.resolve();
  await log.publish();
  await expect(log.append(() => record)).resolves.toBeDefined();
  await log.close();
});
