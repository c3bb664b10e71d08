import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { FileSystemFacts, LogFiles } from '../../src/log/log-files.ts';
import { createNodeLogFiles } from '../../src/log/node-log-files.ts';
import { openLog } from '../../src/log/open-log.ts';
import { durabilityOf, spaceLevel, spaceLimit } from '../../src/log/space.ts';
import { fill, NOTHING, optionsFor, recordAt } from './test-log.ts';

const GIB = 2 ** 30;
const TMPFS = { type: 0x01021994, totalBytes: 4 * GIB, freeBytes: 4 * GIB };
const EXT4 = { type: 0xef53, totalBytes: 100 * GIB, freeBytes: 50 * GIB };

describe('of a file system', () => {
  test('in memory nothing is durable, and a log takes 256 MiB of it', () => {
    expect(durabilityOf(TMPFS)).toBe('none');
    expect(spaceLimit(TMPFS, undefined)).toEqual({ counts: 'log', maxBytes: GIB / 4 });
  });

  test('on a disk it is durable on this node, and a log leaves 1 GiB of it', () => {
    expect(durabilityOf(EXT4)).toBe('node');
    expect(spaceLimit(EXT4, undefined)).toEqual({ counts: 'file-system', maxBytes: 99 * GIB });
  });

  test('what the configuration says counts, on either', () => {
    for (const facts of [TMPFS, EXT4]) expect(spaceLimit(facts, 5000)).toEqual({ counts: 'log', maxBytes: 5000 });
  });
});

test.each([
  [79, 'ok'],
  [80, 'alarm'],
  [99, 'alarm'],
  [100, 'full'],
])('with %i of 100 bytes used the level is %s', (used, level) => {
  expect(spaceLevel(used, { counts: 'log', maxBytes: 100 })).toBe(level);
});

describe('a log', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tallystick-space-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** The real folder on a file system that says something else of itself. */
  const saying =
    (facts: () => FileSystemFacts) =>
    (path: string): LogFiles => ({
      ...createNodeLogFiles(path),
      statfs: async () => facts(),
    });

  test('takes records up to localMax and refuses the next one, with all it has in place', async () => {
    const log = await openLog(optionsFor(folder, { localMax: 100_000 }));
    expect(log.space).toMatchObject({ durability: 'node', level: 'ok' });
    let size = 1;
    const levels = new Set<string>();
    await expect(
      (async () => {
        for (;;) {
          await log.append(() => Buffer.alloc(1000, size));
          levels.add(log.space.level);
          size++;
        }
      })(),
    ).rejects.toMatchObject({ fault: 'no_space', code: 'record_unavailable', retryable: true });
    expect([...levels]).toEqual(['ok', 'alarm', 'full']);
    expect(log.failure).toBeUndefined();
    await log.close();
    expect(log.published()?.size).toBe(size);
  });

  test('is not opened on a network file system, unless the operator says so', async () => {
    const openFiles = saying(() => ({ ...EXT4, type: 0x6969 }));
    await expect(openLog(optionsFor(folder, { openFiles }))).rejects.toMatchObject({ fault: 'network_disk' });
    await (await openLog(optionsFor(folder, { openFiles, allowNetwork: true }))).close();
  });

  test('counts what is there when it is opened, older shards too', async () => {
    const first = await openLog(optionsFor(folder));
    await fill(first, 200);
    const second = await first.nextShard(NOTHING);
    await second.close();
    const again = await openLog(optionsFor(folder, { localMax: 40_000 }));
    await expect(again.append((seq) => recordAt(seq))).rejects.toMatchObject({ fault: 'no_space' });
    await again.close();
  });

  test('on a disk that something else fills refuses when 1 GiB is left, and goes on when there is more', async () => {
    let freeBytes = 50 * GIB;
    const openFiles = saying(() => ({ ...EXT4, freeBytes }));
    let now = 0;
    const clock = { nowMs: () => now, monotonicMs: () => now };
    const log = await openLog(optionsFor(folder, { openFiles, clock }));
    expect(log.space.level).toBe('ok');
    freeBytes = GIB;
    await fill(log, 10);
    await log.publish();
    const refused = { fault: 'no_space' };
    await expect(log.append((seq) => recordAt(seq))).rejects.toMatchObject(refused);
    freeBytes = 50 * GIB;
    now += 1000;
    // The refused record makes the log look, and the next one finds what it has seen.
    await expect(log.append((seq) => recordAt(seq))).rejects.toMatchObject(refused);
    await vi.waitFor(() => expect(log.space.level).toBe('ok'));
    await fill(log, 20);
    await log.close();
  });
});
