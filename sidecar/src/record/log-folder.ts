import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  createNodeLogFiles,
  durabilityOf,
  formatOrigin,
  parseOrigin,
  type LogOwner,
  type LogPlace,
  type RecordBodies,
  type TakeLock,
} from '@tallystick/audit';
import { tryLock } from '../listen/lock.ts';

/** How durable records are in a folder, as they say it themselves. */
export type DurabilityFacts = RecordBodies['log.boot']['durability'];

/** Takes the kernel's lock of the folder of all logs. */
// Not "lock": where a file system does not tell cases apart that is the LOCK of the state folder.
export const lockLogs: TakeLock = async (path) => {
  const held = tryLock(join(dirname(path), 'log.lock'));
  return held && { release: async () => held.release() };
};

/** Returns the place of a log of this owner; undefined of any other, and of none. */
export function placeOf(text: string | undefined, { trustDomain, sidecarId }: LogOwner): LogPlace | undefined {
  const origin = text === undefined ? undefined : parseOrigin(text);
  // A sidecar of another name has logs of its own.
  return origin?.trustDomain === trustDomain && origin.sidecarId === sidecarId ? origin : undefined;
}

/** Returns the number of the newest incarnation in the folder of all logs; 0 of none. */
export async function newestIncarnation(folder: string): Promise<number> {
  const names = await readdir(folder);
  return Math.max(0, ...names.filter((name) => /^[1-9]\d{0,8}$/.test(name)).map(Number));
}

export async function durabilityIn(folder: string): Promise<DurabilityFacts> {
  const facts = await createNodeLogFiles(folder).statfs();
  return { class: durabilityOf(facts), fileSystem: `0x${facts.type.toString(16)}` };
}

/** Returns the origin of the shard before another of its incarnation. */
export function originBefore(origin: string): string {
  const { shard, ...rest } = parseOrigin(origin)!;
  return formatOrigin({ ...rest, shard: shard - 1 });
}
