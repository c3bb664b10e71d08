import { closeSync, fstatSync, openSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { ProcessWatch } from '../../src/listen/process-watch.ts';

/** Descriptors of a file stand in for pidfds: each says which process it is, and whether that has ended. */
function createWatch(pidfs = true) {
  const process = new Map<number, bigint>();
  const ended = new Set<bigint>();
  const opened: number[] = [];
  const isOpen = (fd: number): boolean => {
    try {
      return fstatSync(fd) !== undefined;
    } catch {
      return false;
    }
  };
  const watch = new ProcessWatch(
    { hasExited: (fd) => isOpen(fd) && ended.has(process.get(fd)!) },
    { inodeOf: (fd) => (pidfs ? process.get(fd) : undefined) },
  );
  onTestFinished(() => {
    for (const fd of opened) if (isOpen(fd)) closeSync(fd);
  });
  return {
    watch,
    ended,
    isOpen,
    open(inode: bigint): number {
      const fd = openSync('/dev/null', 'r');
      process.set(fd, inode);
      opened.push(fd);
      return fd;
    },
  };
}

test('all connections of a process share one descriptor', () => {
  const { watch, ended, isOpen, open } = createWatch();
  const first = open(7n);
  const watched = watch.adopt(first);
  const second = open(7n);
  const again = watch.adopt(second);
  expect(watch.size).toBe(1);
  expect([isOpen(first), isOpen(second)]).toEqual([true, false]);
  expect([watched.isRunning(), again.isRunning()]).toEqual([true, true]);
  again.release();
  expect(isOpen(first)).toBe(true);
  ended.add(7n);
  expect([watched.isRunning(), again.isRunning()]).toEqual([false, false]);
});

test('a process is watched on after its last connection, until it has ended', () => {
  const { watch, ended, isOpen, open } = createWatch();
  const pidfd = open(7n);
  const watched = watch.adopt(pidfd);
  watched.release();
  expect(watched.isRunning()).toBe(true);
  ended.add(7n);
  expect(watched.isRunning()).toBe(false);
  const next = watch.adopt(open(7n)); // Only in a test: an inode is not used again.
  next.release();
  expect(isOpen(pidfd)).toBe(false);
  expect(watch.size).toBe(0);
  expect(watched.isRunning()).toBe(false);
});

test('a process that has ended by its last connection is not kept', () => {
  const { watch, ended, isOpen, open } = createWatch();
  const pidfd = open(7n);
  const watched = watch.adopt(pidfd);
  ended.add(7n);
  watched.release();
  expect(isOpen(pidfd)).toBe(false);
  expect(watched.isRunning()).toBe(false);
});

test('processes that come, connect and end do not pile up', () => {
  const { watch, ended, open } = createWatch();
  let most = 0;
  for (let inode = 1n; inode <= 2_000n; inode++) {
    watch.adopt(open(inode)).release();
    ended.add(inode);
    most = Math.max(most, watch.size);
  }
  expect(most).toBeLessThanOrEqual(64);
});

test('beyond a thousand living processes without a connection, one more is not kept', () => {
  const { watch, isOpen, open } = createWatch();
  for (let inode = 1n; inode <= 1_024n; inode++) watch.adopt(open(inode)).release();
  const pidfd = open(5_000n);
  const watched = watch.adopt(pidfd);
  expect(watched.isRunning()).toBe(true);
  watched.release();
  expect(isOpen(pidfd)).toBe(false);
  expect(watched.isRunning()).toBeUndefined();
});

test('where pidfds have no inode of their own, nothing is shared and nothing kept', () => {
  const { watch, ended, isOpen, open } = createWatch(false);
  const first = open(7n);
  const second = open(8n);
  const watched = watch.adopt(first);
  const other = watch.adopt(second);
  ended.add(8n);
  expect([watched.isRunning(), other.isRunning()]).toEqual([true, false]);
  watched.release();
  expect([isOpen(first), isOpen(second)]).toEqual([false, true]);
  expect(watched.isRunning()).toBeUndefined();
  expect(other.isRunning()).toBe(false);
});
