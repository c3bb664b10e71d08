import { chownSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { tryLock, type Lock } from '../../src/listen/lock.ts';
import { isRoot, OtherProcess } from './other-process.ts';
import { temporaryFolder } from './temporary-folder.ts';

function held(path: string): Lock {
  const lock = tryLock(path);
  if (!lock) throw new Error('not locked');
  onTestFinished(() => lock.release());
  return lock;
}

/** A process that takes the lock with the same code, says so, and waits. */
function lockingProcess(path: string): OtherProcess {
  return new OtherProcess(process.execPath, [
    '--conditions=@tallystick/source',
    '--no-warnings',
    '--input-type=module',
    '-e',
    `import { tryLock } from ${JSON.stringify(new URL('../../src/listen/lock.ts', import.meta.url).href)};
     const lock = tryLock(${JSON.stringify(path)});
     console.log(lock ? 'locked' : 'refused');
     process.stdin.resume();`,
  ]);
}

test('one holds a lock, in this process too, until it lets go', () => {
  const path = join(temporaryFolder(), 'l');
  const first = held(path);
  expect(tryLock(path)).toBeUndefined();
  first.release();
  first.release();
  held(path);
});

test('to let go leaves the file, so that nobody locks another of the same name', () => {
  const path = join(temporaryFolder(), 'l');
  held(path).release();
  expect(lstatSync(path).mode & 0o777).toBe(0o600);
});

test('a second release does not close a descriptor that has become another’s', () => {
  const folder = temporaryFolder();
  const first = held(join(folder, 'a'));
  first.release();
  held(join(folder, 'b')); // Takes the number that the first had.
  first.release();
  expect(tryLock(join(folder, 'b'))).toBeUndefined();
});

test('another process holds it until it is killed with -9, and nothing stale is left', async () => {
  const path = join(temporaryFolder(), 'l');
  const other = lockingProcess(path);
  expect(await other.hear()).toBe('locked');
  expect(tryLock(path)).toBeUndefined();
  await other.kill('SIGKILL');
  held(path);
});

test('a process refused the lock that this one holds', async () => {
  const path = join(temporaryFolder(), 'l');
  held(path);
  const other = lockingProcess(path);
  expect(await other.hear()).toBe('refused');
  await other.kill();
});

test('a link, a folder and another user’s file are not locked', () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'target'), 'kept');
  symlinkSync(join(folder, 'target'), join(folder, 'link'));
  expect(() => tryLock(join(folder, 'link'))).toThrow(/ELOOP/);
  mkdirSync(join(folder, 'folder'));
  expect(() => tryLock(join(folder, 'folder'))).toThrow(/EISDIR/);
  if (isRoot) {
    chownSync(join(folder, 'target'), 1001, 1001);
    expect(() => tryLock(join(folder, 'target'))).toThrow(/belongs to uid 1001/);
  }
  expect(readFileSync(join(folder, 'target'), 'utf8')).toBe('kept');
});
