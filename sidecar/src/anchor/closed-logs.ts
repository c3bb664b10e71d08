import { openLogReader, placePath } from '@tallystick/audit';
import { comparePlaces, placesIn } from '../record/log-places.ts';
import { openPublishedFiles, type AnchoredLog } from './anchored-log.ts';

/**
 * Returns the logs of a folder that came before one, the oldest first: those that have a head which can be read. What is
 * wrong with the others is for a verifier to say.
 */
export async function closedLogs(folder: string, { origin, place }: AnchoredLog): Promise<AnchoredLog[]> {
  const owner = origin.slice(0, -placePath(place).length);
  const logs: AnchoredLog[] = [];
  for (const own of await placesIn(folder)) {
    if (comparePlaces(own, place) >= 0) continue;
    const log = await closedLog(folder, `${owner}${placePath(own)}`, own).catch(() => undefined);
    if (log) logs.push(log);
  }
  return logs;
}

async function closedLog(folder: string, origin: string, place: AnchoredLog['place']): Promise<AnchoredLog> {
  const { files, verifier } = await openPublishedFiles(folder, { origin, place });
  const { published } = await openLogReader(files, verifier);
  return { origin, place, published, publish: async () => {} };
}
