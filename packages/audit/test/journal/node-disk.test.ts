import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readAll, writeAll } from '../../src/journal/disk.ts';
import { createNodeDisk } from '../../src/journal/node-disk.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallystick-disk-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a file is made for its owner alone, and never over another', () => {
  const disk = createNodeDisk(folder);
  disk.create('a').close();
  expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o600);
  expect(() => disk.create('a')).toThrow(/EEXIST/);
  expect(() => disk.open('b')).toThrow(/ENOENT/);
});

test('a symbolic link is not followed, neither to open nor to make', () => {
  const disk = createNodeDisk(folder);
  writeFileSync(join(folder, 'target'), 'as it was');
  symlinkSync(join(folder, 'target'), join(folder, 'link'));
  expect(() => disk.open('link')).toThrow(/ELOOP/);
  expect(() => disk.create('link')).toThrow(/EEXIST/);
  expect(readFileSync(join(folder, 'target'), 'utf8')).toBe('as it was');
});

test('what is written at a position is read there, and no more than there is', () => {
  const disk = createNodeDisk(folder);
  const file = disk.create('a');
  writeAll(file, Buffer.from('hello'), 3);
  file.datasync();
  expect(file.size()).toBe(8);
  expect(Buffer.from(file.read(5, 100)).toString()).toBe('llo');
  expect(file.read(8, 1)).toHaveLength(0);
  file.close();
  expect(readAll(disk, 'a')).toEqual(Buffer.from('\0\0\0hello'));
});

test('names: rename replaces, link does not, unlink removes', () => {
  const disk = createNodeDisk(folder);
  for (const name of ['a', 'b']) disk.create(name).close();
  disk.rename('a', 'c');
  expect(() => disk.link('b', 'c')).toThrow(/EEXIST/);
  disk.link('b', 'd');
  disk.unlink('b');
  disk.syncFolder();
  expect(disk.list().sort()).toEqual(['c', 'd']);
  expect(disk.statfs()).toEqual({ type: expect.any(Number), freeBytes: expect.any(Number) });
});

test('a disk that takes a part is given the rest, and one that takes nothing ends it', () => {
  const taken: string[] = [];
  const file = (most: number) => ({
    ...createNodeDisk(folder).create(`takes-${most}`),
    write(bytes: Uint8Array, position: number) {
      const part = bytes.subarray(0, most);
      taken.push(`${position}:${Buffer.from(part).toString()}`);
      return part.length;
    },
  });
  writeAll(file(2), Buffer.from('abcde'), 10);
  expect(taken).toEqual(['10:ab', '12:cd', '14:e']);
  expect(() => writeAll(file(0), Buffer.from('a'), 0)).toThrow('the disk took nothing of a write');
});
