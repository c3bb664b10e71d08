import { constants } from 'node:fs';
import { link, lstat, mkdir, open, readdir, rename, rmdir, statfs, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogFiles } from './log-files.ts';

const { O_CREAT, O_TRUNC, O_WRONLY, O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
/** Group members may read what is published, as a shipper does; the journal keeps its own to its user. */
const FILE_MODE = 0o640;
const FOLDER_MODE = 0o750;

/** Returns a folder of this machine, which must exist. A file that is a symbolic link is never followed. */
export function createNodeLogFiles(root: string): LogFiles {
  const at = (path: string): string => join(root, path);
  const usage = async (path: string): Promise<number> => {
    let bytes = 0;
    for (const entry of await readdir(at(path), { withFileTypes: true }).catch(absent<never[]>([]))) {
      const inner = join(path, entry.name);
      if (entry.isDirectory()) bytes += await usage(inner);
      // It may be gone by now.
      else if (entry.isFile()) bytes += (await lstat(at(inner)).catch(absent(undefined)))?.size ?? 0;
    }
    return bytes;
  };
  return {
    async read(path, scratch) {
      const file = await open(at(path), O_RDONLY | O_NOFOLLOW).catch(absent(undefined));
      if (!file) return undefined;
      try {
        if (scratch && (await file.stat()).size < scratch.length) return await readInto(file, scratch);
        return await file.readFile();
      } finally {
        await file.close();
      }
    },
    list: (path) => readdir(at(path)).catch(absent<string[]>([])),
    usage,
    makeFolder: (path) => mkdir(at(path), FOLDER_MODE).catch(ignore('EEXIST')),
    async write(files) {
      const opened: FileHandle[] = [];
      try {
        await all(files, async ({ path, content }) => {
          const file = await open(at(path), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, FILE_MODE);
          opened.push(file);
          await file.writeFile(content);
        });
        // After all are written: a file system makes them durable together, at the cost of one.
        await all(opened, (file) => file.datasync());
      } finally {
        await all(opened, (file) => file.close());
      }
    },
    link: (from, to) => link(at(from), at(to)).then(() => true, otherwise('EEXIST', false)),
    rename: (from, to) => rename(at(from), at(to)),
    unlink: (path) => unlink(at(path)),
    removeFolder: (path) => rmdir(at(path)),
    async syncFolder(path) {
      const folder = await open(at(path), O_RDONLY | O_DIRECTORY);
      try {
        await folder.sync();
      } finally {
        await folder.close();
      }
    },
    async statfs() {
      const { type, blocks, bavail, bsize } = await statfs(root);
      return { type, totalBytes: blocks * bsize, freeBytes: bavail * bsize };
    },
  };
}

async function readInto(file: FileHandle, scratch: Buffer): Promise<Buffer> {
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(scratch, length, scratch.length - length, length);
    if (bytesRead === 0) return scratch.subarray(0, length);
    length += bytesRead;
  }
}

function otherwise<T>(code: string, value: T): (error: unknown) => T {
  return (error) => {
    if ((error as NodeJS.ErrnoException).code !== code) throw error;
    return value;
  };
}

const absent = <T>(value: T): ((error: unknown) => T) => otherwise('ENOENT', value);
const ignore = (code: string): ((error: unknown) => void) => otherwise(code, undefined);

/** Resolves when all have ended, and rejects with the first failure only then: nothing goes on behind it. */
async function all<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const failed = (await Promise.allSettled(items.map(act))).find(({ status }) => status === 'rejected');
  if (failed) throw (failed as PromiseRejectedResult).reason;
}
