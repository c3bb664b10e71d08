import { createSecretKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { TallystickError, type Json, type Random } from '@tallystick/core';
import { readStateFile, writeStateFile } from './state-file.ts';

/** The key that makes the fingerprints of one incarnation of the log. */
export interface FingerprintKey {
  readonly incarnation: number;
  readonly key: KeyObject;
  /** The key as it was sealed to a public one when it was made; null where none was configured. */
  readonly sealed: { readonly escrow: string; readonly sealed: string } | null;
}

/** What its file holds. */
interface Stored {
  readonly incarnation: number;
  /** 32 bytes, base64url. */
  readonly key: string;
  readonly sealed: FingerprintKey['sealed'];
}

const WHAT = 'the fingerprint key';
const KEY_BYTES = 32;

/** Returns the name of the file that holds the fingerprint key of an incarnation of the log. */
export function fingerprintKeyFile(incarnation: number): string {
  return `fingerprint-key-${incarnation}.json`;
}

/**
 * Returns the key of an incarnation of the log that makes fingerprints. A new one is durable, readable by nobody else,
 * and sealed to the escrow key if there is one, before it is returned: so before its first fingerprint.
 *
 * @param options `mayMake`: the incarnation has no log yet, so that a key may be made for it.
 * @throws {TallystickError} `state_unusable`: it is torn, changed by hand, not for us to read, or missing.
 */
export async function openFingerprintKey(
  folder: string,
  incarnation: number,
  options: {
    readonly mayMake: boolean;
    readonly random: Random;
    readonly seal: (key: Buffer) => FingerprintKey['sealed'];
  },
): Promise<FingerprintKey> {
  const path = join(folder, fingerprintKeyFile(incarnation));
  const stored = await readFingerprintKey(path);
  if (stored?.incarnation === incarnation) return stored;
  if (stored) throw unusable(`"${path}" is the key of incarnation ${stored.incarnation} of the log`);
  if (!options.mayMake) throw unusable(`"${path}" is missing, the key that has made the fingerprints of the log`);
  const bytes = Buffer.from(options.random.bytes(KEY_BYTES));
  const sealed = options.seal(bytes);
  const content: Stored = { incarnation, key: bytes.toString('base64url'), sealed };
  await writeStateFile(path, WHAT, content as unknown as Json, 0o400);
  return { incarnation, key: createSecretKey(bytes), sealed };
}

/** Returns the key in a file of {@link openFingerprintKey}, or undefined where there is none. @throws As that. */
export async function readFingerprintKey(path: string): Promise<FingerprintKey | undefined> {
  const stored = (await readStateFile(path, WHAT)) as Partial<Stored> | undefined;
  if (stored === undefined) return undefined;
  const bytes = typeof stored.key === 'string' ? Buffer.from(stored.key, 'base64url') : Buffer.alloc(0);
  if (bytes.length !== KEY_BYTES || !Number.isSafeInteger(stored.incarnation)) {
    throw unusable(`"${path}" does not hold a fingerprint key`);
  }
  return { incarnation: stored.incarnation!, key: createSecretKey(bytes), sealed: stored.sealed ?? null };
}

function unusable(description: string): TallystickError {
  return new TallystickError('state_unusable', description, {
    remedy:
      'restore it; where it is lost, begin a new incarnation of the log: "tallystick run --new-incarnation REASON"',
  });
}
