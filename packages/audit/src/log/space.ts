import type { FileSystemFacts } from './log-files.ts';

/** `node`: what is durable survives this machine's loss of power. `none`: it is in memory, and gone with the machine or pod. */
export type Durability = 'node' | 'none';

/** `alarm`: four fifths are used. `full`: nothing more is taken. */
export type SpaceLevel = 'ok' | 'alarm' | 'full';

/** Magic numbers of file systems that live in memory (`statfs(2)`). */
const MEMORY_FILE_SYSTEMS = new Set([0x01021994, 0x858458f6]);
/** NFS, SMB in its three ages, AFS and Ceph: their locks and syncs promise less than those of a disk. */
const NETWORK_FILE_SYSTEMS = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x5346414f, 0x00c36400]);
const MIB = 1024 * 1024;
/** How much a log on a file system in memory may take: an emptyDir over its limit evicts the whole pod. */
const MEMORY_MAX = 256 * MIB;
/** What a log leaves free of a disk. */
const RESERVE = 1024 * MIB;

export function durabilityOf({ type }: Pick<FileSystemFacts, 'type'>): Durability {
  return MEMORY_FILE_SYSTEMS.has(type) ? 'none' : 'node';
}

export function isNetworkFileSystem({ type }: FileSystemFacts): boolean {
  return NETWORK_FILE_SYSTEMS.has(type);
}

/** How much a log may take: of its own, or together with all else on its file system. */
export interface SpaceLimit {
  readonly counts: 'log' | 'file-system';
  readonly maxBytes: number;
}

/** @param localMax What the configuration says, in bytes. */
export function spaceLimit(facts: FileSystemFacts, localMax: number | undefined): SpaceLimit {
  if (localMax !== undefined) return { counts: 'log', maxBytes: localMax };
  if (durabilityOf(facts) === 'none') return { counts: 'log', maxBytes: MEMORY_MAX };
  return { counts: 'file-system', maxBytes: Math.max(0, facts.totalBytes - RESERVE) };
}

export function spaceLevel(usedBytes: number, { maxBytes }: SpaceLimit): SpaceLevel {
  if (usedBytes >= maxBytes) return 'full';
  return usedBytes >= maxBytes * 0.8 ? 'alarm' : 'ok';
}

/** How much of its space a log has used. */
export interface Space {
  readonly durability: Durability;
  readonly limit: SpaceLimit;
  /** Counted from time to time, estimated upwards between. */
  readonly usedBytes: number;
  readonly level: SpaceLevel;
}
