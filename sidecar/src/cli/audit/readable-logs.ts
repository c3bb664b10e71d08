import { join } from 'node:path';
import { foldersIn, logFolder } from '@tallystick/audit';
import { TallystickError } from '@tallystick/core';
import { unreadable } from './read-named.ts';

/** Reads a file by its path below the folder of all logs; undefined where there is none. */
export type ReadLogs = (path: string) => Uint8Array | undefined;

/** Returns a reader of the files below the folder of all logs. It throws {@link TallystickError} for what it may not read. */
export function readableLogs(folder: string): ReadLogs {
  const read = logFolder(folder);
  return (path) => told(join(folder, path), () => read(path));
}

/** Returns the names of the folders in one below that of all logs. */
export function foldersBelow(folder: string, path: string): string[] {
  return told(join(folder, path), () => foldersIn(join(folder, path)));
}

/**
 * Returns the paths of the logs that have a signed head, `<incarnation>/<shard>`, the oldest first.
 *
 * @throws {TallystickError} `log_invalid`: there is none.
 */
export function logPaths(folder: string): string[] {
  const read = readableLogs(folder);
  const paths = numbers(foldersBelow(folder, '')).flatMap((incarnation) =>
    numbers(foldersBelow(folder, incarnation)).map((shard) => `${incarnation}/${shard}`),
  );
  const published = paths.filter((path) => read(`${path}/checkpoint`) !== undefined);
  if (published.length > 0) return published;
  throw new TallystickError('log_invalid', `"${folder}" has no log with a signed head`, {
    remedy: 'name the folder that holds "1/1/checkpoint": it is "state.audit" of the sidecar',
  });
}

function numbers(names: readonly string[]): string[] {
  return names.filter((name) => /^[1-9][0-9]{0,8}$/.test(name)).sort((a, b) => Number(a) - Number(b));
}

function told<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw unreadable(path, error);
  }
}
