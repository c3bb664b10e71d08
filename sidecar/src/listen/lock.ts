import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { loadKernel, type Kernel } from './kernel.ts';

/** A single-writer lock that this process holds. */
export interface Lock {
  /** Lets go of it. The file stays: to remove it would let two holders lock two files of one name. */
  release(): void;
}

/**
 * Takes the kernel's lock on the file `path`, made with mode 0600 where it is missing; undefined when another open
 * description holds it, in this process or another. It ends with {@link Lock.release} or with the process, however
 * that ends; nothing is read from the file, so there is nothing stale to misjudge.
 *
 * The folder must be one where nobody else can write.
 *
 * @throws {Error} The file cannot be opened, is a link, is not a regular file, or belongs to another user.
 */
export function tryLock(path: string, kernel: Kernel = loadKernel()): Lock | undefined {
  const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants;
  const file = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  let locked = false;
  try {
    const { uid } = fstatSync(file);
    if (!fstatSync(file).isFile()) throw new Error(`"${path}" is not a regular file`);
    // Another user's file can be locked by that user at will.
    if (uid !== process.geteuid?.() && uid !== 0) throw new Error(`"${path}" belongs to uid ${uid}`);
    locked = kernel.lock(file);
  } finally {
    if (!locked) closeSync(file);
  }
  if (!locked) return undefined;
  let held = true;
  return {
    release() {
      if (held) closeSync(file);
      held = false;
    },
  };
}
