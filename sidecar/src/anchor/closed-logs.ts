import { createNodeLogFiles, openLogReader, placePath } from '@tallystick/audit';
import { openPublishedFiles, type AnchoredLog } from './anchored-log.ts';

/**
 * Returns the logs of a folder that came before one, the oldest first: those that have a head which can be read. What is
 * wrong with the others is for a verifier to say.
 */
export async function closedLogs(folder: string, { origin, place }: AnchoredLog): Promise<AnchoredLog[]> {
  const files = createNodeLogFiles(folder);
  const owner = origin.slice(0, -placePath(place).length);
  const logs: AnchoredLog[] = [];
  for (const incarnation of numbers(await files.list(''))) {
    for (const shard of numbers(await files.list(String(incarnation)))) {
      const own = { incarnation, shard };
      const isBefore = incarnation < place.incarnation || (incarnation === place.incarnation && shard < place.shard);
      const log = isBefore
        ? await closedLog(folder, `${owner}${placePath(own)}`, own).catch(() => undefined)
        : undefined;
      if (log) logs.push(log);
    }
  }
  return logs;
}

async function closedLog(folder: string, origin: string, place: AnchoredLog['place']): Promise<AnchoredLog> {
  const { files, verifier } = await openPublishedFiles(folder, { origin, place });
  const { published } = await openLogReader(files, verifier);
  return { origin, place, published, publish: async () => {} };
}

const numbers = (names: readonly string[]): number[] =>
  names
    .filter((name) => /^[1-9]\d{0,8}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
