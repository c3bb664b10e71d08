import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';

/** A file of receipts, open for one batch. */
export interface ReceiptFile extends AsyncDisposable {
  readonly isEmpty: boolean;
  append(text: string): Promise<void>;
}

/** Opens the file for a batch, and makes it where it is gone: whoever rotates it renames it, and tells nobody. */
export type OpenReceiptFile = () => Promise<ReceiptFile>;

// Neither through a link that somebody else has laid, nor waiting for whoever reads a pipe.
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Whom it names is for the group that ships logs too, not for everybody. */
const MODE = 0o640;

/** Returns what opens a file on this machine's disk. */
export function receiptFileAt(path: string): OpenReceiptFile {
  return async () => {
    const handle = await open(path, FLAGS, MODE);
    try {
      const stat = await handle.stat();
      if (!stat.isFile()) throw notAFile();
      return {
        isEmpty: stat.size === 0,
        append: (text) => handle.appendFile(text),
        [Symbol.asyncDispose]: () => handle.close(),
      };
    } catch (error) {
      await handle.close();
      throw error;
    }
  };
}

/** Opens the file once, synchronously: what cannot work is told at the start. @throws The error of the file system. */
export function requireReceiptFile(path: string): void {
  const file = openSync(path, FLAGS, MODE);
  try {
    if (!fstatSync(file).isFile()) throw notAFile();
  } finally {
    closeSync(file);
  }
}

function notAFile(): Error {
  return Object.assign(new Error('it is not a file'), { code: 'ENOTFILE' });
}
