import { createPrivateKey, type KeyObject } from 'node:crypto';
import { TallystickError } from '@tallystick/core';
import { thumbprint } from '@tallystick/dpop';
import { readStateFile, writeStateFile } from '../state/state-file.ts';
import type { KeyRole, PublishedKey } from './signer.ts';

/** A key in the key file. */
export interface StoredKey {
  readonly role: KeyRole;
  /** `next` is published and does not sign yet; `current` signs; `retired` does not sign any more. */
  readonly state: 'next' | 'current' | 'retired';
  readonly createdAt: string;
  /** When it began to sign; null for the next one. RFC 3339. */
  readonly activatedAt: string | null;
  /** A retired key is published until then; null otherwise. */
  readonly publishUntil: string | null;
  readonly published: PublishedKey;
  readonly privateKey: KeyObject;
}

const WHAT = 'issuer keys';

/**
 * Reads the key file.
 *
 * @returns The keys, or undefined when there is no file.
 * @throws {TallystickError} `state_unusable`: it is torn, changed by hand, or not for us to read.
 */
export async function readKeyFile(path: string): Promise<readonly StoredKey[] | undefined> {
  const stored = await readStateFile(path, WHAT);
  if (stored === undefined) return undefined;
  try {
    return (stored as { keys: Record<string, unknown>[] }).keys.map(parseKey);
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
      activated_at: key.activatedAt,
      publish_until: key.publishUntil,
      jwk: key.privateKey.export({ format: 'jwk' }) as Record<string, string>,
    })),
  });
}

function parseKey(stored: Record<string, unknown>): StoredKey {
  const { role, state, created_at: createdAt, activated_at: activatedAt, publish_until: publishUntil, jwk } = stored;
  if (role !== 'token' && role !== 'reply') throw new TypeError('"role" is not known');
  if (state !== 'next' && state !== 'current' && state !== 'retired') throw new TypeError('"state" is not known');
  if (!isTime(createdAt) || !isTimeOrNull(activatedAt) || !isTimeOrNull(publishUntil)) {
    throw new TypeError('a time is missing');
  }
  const privateKey = createPrivateKey({ key: jwk as Record<string, string>, format: 'jwk' });
  return { role, state, createdAt, activatedAt, publishUntil, published: publish(privateKey), privateKey };
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}

function isTimeOrNull(value: unknown): value is string | null {
  return value === null || isTime(value);
}

/** Returns the public half of a P-256 key, under its thumbprint. */
export function publish(privateKey: KeyObject): PublishedKey {
  const { kty, crv, x, y } = privateKey.export({ format: 'jwk' }) as Record<string, string>;
  if (kty !== 'EC' || crv !== 'P-256') throw new TypeError('the key is not on P-256');
  const jwk = { kty, crv, x: x!, y: y! } as const;
  return { kid: thumbprint(jwk), alg: 'ES256', jwk };
}
