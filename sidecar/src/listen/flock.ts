import { constants } from 'node:os';
import type { Libc } from './libc.ts';

// <sys/file.h>, the same numbers on Linux and macOS.
const LOCK_EX = 2;
const LOCK_NB = 4;

/** Takes the lock of an open file without waiting; false when another description of the file holds it. */
export function lockDescriptor(libc: Libc, file: number): boolean {
  const outcome = libc.flock(file, LOCK_EX | LOCK_NB);
  if (outcome === -constants.errno.EWOULDBLOCK) return false;
  if (outcome < 0) throw systemError('flock', outcome);
  return true;
}

/** The error for a libc call that returned `-errno`. */
export function systemError(call: string, outcome: number): Error {
  const [name = `errno ${-outcome}`] = Object.entries(constants.errno).find(([, number]) => number === -outcome) ?? [];
  return Object.assign(new Error(`${call}: ${name}`), { code: name, errno: outcome, syscall: call });
}
