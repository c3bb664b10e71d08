import { createPrivateKey, type KeyObject } from 'node:crypto';
import { TallystickError } from '@tallystick/core';
import { readStateFile, writeStateFile } from '../state/state-file.ts';
import { publish } from './signing-key.ts';
import type { KeyRole, PublishedKey } from './signer.ts';

/** A key in the key file. */
export interface StoredKey {
  readonly role: KeyRole;
  /** `next` is published and does not sign yet; `current` signs; `retired` does not sign any more. */
  readonly state: 'next' | 'current' | 'retired';
  readonly createdAt: string;
  /** Since when verifiers can read it; null: not yet. RFC 3339. */
  readonly announcedAt: string | null;
  /** When it began to sign; null for the next one. RFC 3339. */
  readonly activatedAt: string | null;
  /** A retired key is published until then; null otherwise. */
  readonly publishUntil: string | null;
  readonly published: PublishedKey;
  readonly privateKey: KeyObject;
}

const WHAT = 'issuer keys';

/**
 * Reads a key file.
 *
 * @returns Its keys, all of `role`, or undefined when there is no file.
 * @throws {TallystickError} `state_unusable`: it is torn, changed by hand, not for us to read, or of another role.
 */
export async function readKeyFile(path: string, role: KeyRole): Promise<readonly StoredKey[] | undefined> {
  const stored = await readStateFile(path, WHAT);
  if (stored === undefined) return undefined;
  try {
    return (stored as { keys: Record<string, unknown>[] }).keys.map((key) => parseKey(key, role));
  } catch (error) {
    throw new TallystickError('state_unusable', `"${path}" does not hold issuer keys`, {
      remedy: 'restore it from a backup; or move it away, and every API must read the new /jwks',
      cause: error,
    });
  }
}

/** Writes the key file, durably, mode 0600. */
export async function writeKeyFile(path: string, keys: readonly StoredKey[]): Promise<void> {
  await writeStateFile(path, WHAT, {
    keys: keys.map((key) => ({
      role: key.role,
      state: key.state,
      created_at: key.createdAt,
      announced_at: key.announcedAt,
      activated_at: key.activatedAt,
      publish_until: key.publishUntil,
      jwk: key.privateKey.export({ format: 'jwk' }) as Record<string, string>,
    })),
  });
}

const STATES: ReadonlySet<unknown> = new Set<StoredKey['state']>(['next', 'current', 'retired']);

function parseKey(stored: Record<string, unknown>, role: KeyRole): StoredKey {
  const { state, created_at: createdAt, activated_at: activatedAt, publish_until: publishUntil, jwk } = stored;
  if (stored.role !== role) throw new TypeError(`it has keys of another role than "${role}"`);
  if (!STATES.has(state)) throw new TypeError('"state" is not known');
  // Files of 0.1 have keys that are served alone, from when they are made.
  const announcedAt = stored.announced_at === undefined ? createdAt : stored.announced_at;
  if (!isTime(createdAt) || ![announcedAt, activatedAt, publishUntil].every(isTimeOrNull)) {
    throw new TypeError('a time is missing');
  }
  const privateKey = createPrivateKey({ key: jwk as Record<string, string>, format: 'jwk' });
  return {
    role,
    state,
    createdAt,
    announcedAt,
    activatedAt,
    publishUntil,
    published: publish(privateKey),
    privateKey,
  } as StoredKey;
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}

function isTimeOrNull(value: unknown): value is string | null {
  return value === null || isTime(value);
}
