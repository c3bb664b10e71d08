import { join } from 'node:path';
import { TallystickError } from '@tallystick/core';
import { tryLock, type Lock } from '../listen/lock.ts';

/**
 * Takes the state folders for this process alone: two sidecars that write one state would each undo what the other
 * took away.
 *
 * @throws {TallystickError} `state_unusable`
 */
export function lockState(folders: readonly string[]): Lock {
  const locks: Lock[] = [];
  const release = (): void => locks.forEach((lock) => lock.release());
  for (const folder of new Set(folders)) {
    let lock: Lock | undefined;
    try {
      lock = tryLock(join(folder, 'LOCK'));
    } catch (error) {
      release();
      throw new TallystickError('state_unusable', `the lock of the state folder "${folder}" cannot be taken`, {
        cause: error,
      });
    }
    if (!lock) {
      release();
      throw new TallystickError('state_unusable', `another sidecar uses the state folder "${folder}"`, {
        remedy: 'stop the other one, or give this one folders of its own',
      });
    }
    locks.push(lock);
  }
  return { release };
}
