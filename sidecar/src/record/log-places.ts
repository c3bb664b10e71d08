import { createNodeLogFiles, type LogPlace } from '@tallystick/audit';

/** Returns the places of all logs in a folder, the oldest first. */
export async function placesIn(folder: string): Promise<LogPlace[]> {
  const files = createNodeLogFiles(folder);
  const places: LogPlace[] = [];
  for (const incarnation of numbers(await files.list(''))) {
    for (const shard of numbers(await files.list(String(incarnation)))) places.push({ incarnation, shard });
  }
  return places;
}

/** Returns a negative number where `a` is the older log, zero where both are the same. */
export function comparePlaces(a: LogPlace, b: LogPlace): number {
  return a.incarnation - b.incarnation || a.shard - b.shard;
}

function numbers(names: readonly string[]): number[] {
  return names
    .filter((name) => /^[1-9]\d{0,8}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}
