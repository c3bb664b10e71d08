import type { DatabaseSync } from 'node:sqlite';

/** Returns `node:sqlite`. Node calls it experimental in some of the releases that we run on: nothing for who reads a log. */
export async function loadSqlite(): Promise<{ readonly DatabaseSync: typeof DatabaseSync }> {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return await import('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}
