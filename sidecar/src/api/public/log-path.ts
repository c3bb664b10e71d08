import { parseTilePath, TlogError, type LogPlace } from '@tallystick/audit';
import type { HashTile } from '../../record/published-logs.ts';

/** Below it, everything that is shown of the logs; itself the list of them. */
export const LOGS = '/log/';

/** What is asked for of one log. */
export interface LogPath {
  readonly place: LogPlace;
  readonly of: 'checkpoint' | HashTile;
}

/** Returns the prefix of a log (tlog-tiles, Parameters). */
export function logPrefix({ incarnation, shard }: LogPlace): string {
  return `${LOGS}${incarnation}/${shard}`;
}

/** Returns what a path names below the prefix of a log; undefined of any other, and of entries: they are for nobody. */
export function parseLogPath(path: string): LogPath | undefined {
  const parts = PATH.exec(path);
  if (!parts) return undefined;
  const [, incarnation, shard, rest] = parts as unknown as [string, string, string, string];
  const place = { incarnation: Number(incarnation), shard: Number(shard) };
  if (rest === 'checkpoint') return { place, of: rest };
  const tile = hashTile(rest);
  return tile && { place, of: tile };
}

const PATH = /^\/log\/([1-9][0-9]{0,8})\/([1-9][0-9]{0,8})\/(checkpoint|tile\/.*)$/;

function hashTile(path: string): HashTile | undefined {
  try {
    const { level, index, width } = parseTilePath(path);
    return level === 'entries' ? undefined : { level, index, width };
  } catch (error) {
    if (error instanceof TlogError) return undefined;
    throw error;
  }
}
