/** A lock that the kernel releases when its holder ends, however it ends. */
export interface LogLock {
  release(): Promise<void>;
}

/**
 * Takes the lock of a file, which it makes, without waiting; undefined where another process, or another log of this
 * one, holds it. Never decided by a pid in a file: in a container every process is pid 1.
 */
export type TakeLock = (path: string) => Promise<LogLock | undefined>;
