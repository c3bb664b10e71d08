import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Disk, DiskFile } from './disk.ts';

const { O_CREAT, O_EXCL, O_RDWR, O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;

/** Returns a folder of this machine, which must exist. A symbolic link in it is never followed. */
export function createNodeDisk(folder: string): Disk {
  const path = (name: string): string => join(folder, name);
  return {
    create: (name) => nodeFile(openSync(path(name), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)),
    open: (name) => nodeFile(openSync(path(name), O_RDWR | O_NOFOLLOW)),
    list: () => readdirSync(folder),
    rename: (from, to) => renameSync(path(from), path(to)),
    link: (from, to) => linkSync(path(from), path(to)),
    unlink: (name) => unlinkSync(path(name)),
    syncFolder() {
      const fd = openSync(folder, O_RDONLY | O_DIRECTORY);
      try {
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    },
    statfs() {
      const { type, bavail, bsize } = statfsSync(folder);
      return { type, freeBytes: bavail * bsize };
    },
  };
}

function nodeFile(fd: number): DiskFile {
  return {
    size: () => fstatSync(fd).size,
    read(position, length) {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(fd, bytes, 0, length, position));
    },
    write: (bytes, position) => writeSync(fd, bytes, 0, bytes.length, position),
    datasync: () => fdatasyncSync(fd),
    close: () => closeSync(fd),
  };
}
