import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makePrivateFolder, prepareFolder } from '../../src/listen/socket-folder.ts';
import { isRoot } from './other-process.ts';
import { temporaryFolder } from './temporary-folder.ts';

const failed = expect.objectContaining({ code: 'listen_failed' });
const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

describe('the folder of a socket', () => {
  test('is made with its mode, and those above it so that they can be entered, whatever the umask', () => {
    const folder = join(temporaryFolder(), 'a', 'b');
    const umask = process.umask(0o077);
    try {
      prepareFolder(folder, 0o700);
      prepareFolder(join(folder, 'c'), 0o755);
    } finally {
      process.umask(umask);
    }
    expect([modeOf(join(folder, '..')), modeOf(folder), modeOf(join(folder, 'c'))]).toEqual(['755', '700', '755']);
  });

  test.each([
    [0o755, true],
    [0o700, true],
    [0o750, true],
    [0o775, false],
    [0o757, false],
    [0o777, false],
    [0o1777, true],
    [0o1775, true],
  ])('of mode %o: accepted %s', (mode, accepted) => {
    const folder = temporaryFolder();
    chmodSync(folder, mode);
    if (accepted) expect(() => prepareFolder(folder, 0o755)).not.toThrow();
    else expect(() => prepareFolder(folder, 0o755)).toThrow(/others can replace the socket; .*sidecar makes it/);
    expect(statSync(folder).mode & 0o7777).toBe(mode); // What is there is never changed.
  });

  test.runIf(isRoot)('of another user is refused', () => {
    const folder = temporaryFolder();
    chownSync(folder, 1001, 1001);
    expect(() => prepareFolder(folder, 0o755)).toThrow(/belongs to uid 1001/);
  });

  test('is not a link, nor a file', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'real'));
    symlinkSync('real', join(folder, 'link'));
    writeFileSync(join(folder, 'file'), '');
    expect(() => prepareFolder(join(folder, 'link'), 0o755)).toThrow(/is a symbolic link/);
    expect(() => prepareFolder(join(folder, 'file'), 0o755)).toThrow(failed);
    expect(() => prepareFolder(join(folder, 'file', 'below'), 0o755)).toThrow(failed);
  });
});

describe('the private folder in which a socket is made', () => {
  test('replaces one that a crash left', () => {
    const folder = join(temporaryFolder(), '.abcde');
    makePrivateFolder(folder, 's');
    writeFileSync(join(folder, 's'), '');
    makePrivateFolder(folder, 's');
    expect(existsSync(join(folder, 's'))).toBe(false);
    expect(modeOf(folder)).toBe('700');
  });

  test('is not made through a link, and what lies there is kept', () => {
    const parent = temporaryFolder();
    mkdirSync(join(parent, 'precious'));
    writeFileSync(join(parent, 'precious', 's'), 'kept');
    symlinkSync('precious', join(parent, '.abcde'));
    expect(() => makePrivateFolder(join(parent, '.abcde'), 's')).toThrow(failed);
    expect(existsSync(join(parent, 'precious', 's'))).toBe(true);
  });

  test('with more in it than it can hold is left as it is', () => {
    const folder = join(temporaryFolder(), '.abcde');
    makePrivateFolder(folder, 's');
    writeFileSync(join(folder, 'other'), '');
    expect(() => makePrivateFolder(folder, 's')).toThrow(failed);
    expect(existsSync(join(folder, 'other'))).toBe(true);
  });

  test.runIf(isRoot)('of another user is left as it is', () => {
    const folder = join(temporaryFolder(), '.abcde');
    mkdirSync(folder);
    chownSync(folder, 1001, 1001);
    expect(() => makePrivateFolder(folder, 's')).toThrow(failed);
    expect(existsSync(folder)).toBe(true);
  });
});
