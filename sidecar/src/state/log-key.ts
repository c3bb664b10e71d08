import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogPlace } from '@tallystick/audit';
import { TallystickError } from '@tallystick/core';
import { readStateFile, writeStateFile } from './state-file.ts';
import { syncFolder } from './sync-folder.ts';

const LOST =
  'restore it; where it is lost, begin a new incarnation of the log: "tallystick run --new-incarnation REASON"';

/** Returns the name of the file that holds the key of one shard of the log. */
export function logKeyFile({ incarnation, shard }: LogPlace): string {
  return `log-key-${incarnation}-${shard}.json`;
}

/** Until each shard had a key of its own the first one of an incarnation had this file. It is read, and never written. */
function earlierKeyFile(incarnation: number): string {
  return `log-key-${incarnation}.json`;
}

/**
 * Returns the Ed25519 key that signs the heads of one shard of the log. A new one is durable, and readable by nobody
 * else, before it is returned: so before its first signature.
 *
 * @param options `mayMake`: the shard has signed nothing yet, so that a key may be made for it.
 * @throws {TallystickError} `state_unusable`: it is torn, changed by hand, not for us to read, or missing.
 */
export async function openLogKey(
  folder: string,
  place: LogPlace,
  { mayMake }: { readonly mayMake: boolean },
): Promise<KeyObject> {
  const path = join(folder, logKeyFile(place));
  const stored = (await readKey(path, place)) ?? (await readEarlierKey(folder, place));
  if (stored) return stored;
  if (!mayMake) {
    throw new TallystickError('state_unusable', `"${path}" is missing, the key that has signed the log`, {
      remedy: LOST,
    });
  }
  const { privateKey } = generateKeyPairSync('ed25519');
  const jwk = privateKey.export({ format: 'jwk' }) as Record<string, string>;
  await writeStateFile(path, 'the key of the log', { ...place, jwk }, 0o400);
  return privateKey;
}

/** Returns the shards of an incarnation whose keys are there, the oldest first. */
export async function shardsWithKeys(folder: string, incarnation: number): Promise<LogPlace[]> {
  const names = await readdir(folder);
  const shards = names.flatMap((name) => {
    if (name === earlierKeyFile(incarnation)) return [1];
    const [, of, shard] = /^log-key-([1-9]\d{0,8})-([1-9]\d{0,8})\.json$/.exec(name) ?? [];
    return of === String(incarnation) ? [Number(shard)] : [];
  });
  return [...new Set(shards)].sort((a, b) => a - b).map((shard) => ({ incarnation, shard }));
}

/** Removes the key of a shard, durably: whoever takes this machine later cannot sign another end of that shard. */
export async function removeLogKey(folder: string, place: LogPlace): Promise<void> {
  await rm(join(folder, logKeyFile(place)), { force: true });
  if (place.shard === 1) await rm(join(folder, earlierKeyFile(place.incarnation)), { force: true });
  await syncFolder(folder);
}

async function readEarlierKey(folder: string, { incarnation, shard }: LogPlace): Promise<KeyObject | undefined> {
  return shard === 1 ? readKey(join(folder, earlierKeyFile(incarnation)), { incarnation }) : undefined;
}

async function readKey(path: string, place: Partial<LogPlace>): Promise<KeyObject | undefined> {
  const stored = (await readStateFile(path, 'the key of the log')) as
    | (Partial<LogPlace> & { jwk?: unknown })
    | undefined;
  if (stored === undefined) return undefined;
  try {
    if (stored.incarnation !== place.incarnation) throw new TypeError('it is of another incarnation');
    if (stored.shard !== place.shard) throw new TypeError('it is of another shard');
    const privateKey = createPrivateKey({ key: stored.jwk as Record<string, string>, format: 'jwk' });
    if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError('it is not an Ed25519 key');
    return privateKey;
  } catch (cause) {
    const { incarnation, shard = 1 } = place;
    const whose = `shard ${incarnation}/${shard} of the log`;
    throw new TallystickError('state_unusable', `"${path}" does not hold the key of ${whose}`, { remedy: LOST, cause });
  }
}
