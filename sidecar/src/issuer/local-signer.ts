import { generateKeyPair, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { TallystickError, type Clock } from '@tallystick/core';
import { publish, readKeyFile, writeKeyFile, type StoredKey } from './key-file.ts';
import type { KeyRole, KeyRotation, Signer } from './signer.ts';

/** The inputs of {@link openLocalSigner}. */
export interface LocalSignerOptions {
  readonly issuer: string;
  /** What its keys sign; a file has keys of one role. Default: tokens. */
  readonly role?: KeyRole;
  /** Puts the public key into each header, for who was not told of it before; then the header's `kid` is what is pinned. */
  readonly carriesKey?: boolean;
  /** Path of the key file. */
  readonly path: string;
  readonly clock: Clock;
  /** How long a token may live at the most, milliseconds: a retired key is published for that long. */
  readonly maxLifetimeMs: number;
}

/**
 * How long a key is published before it signs: a copy of `/jwks` may be a minute old (`max-age`), and verifiers look
 * for an unknown key every 10 s (ours) to 30 s (jose).
 */
export const PUBLISH_AHEAD_MS = 90_000;

const generate = promisify(generateKeyPair);

/**
 * Opens the signer whose ES256 keys lie in a file of this host, and makes them at the first start.
 *
 * @throws {TallystickError} `state_unusable`
 */
export async function openLocalSigner(options: LocalSignerOptions): Promise<Signer> {
  const { issuer, role = 'token', carriesKey = false, path, clock, maxLifetimeMs } = options;
  let keys = await readKeyFile(path);
  if (!keys) {
    keys = [await newKey('current'), await newKey('next')];
    await writeKeyFile(path, keys);
  }
  const find = (state: StoredKey['state']): StoredKey => {
    const key = keys!.find((candidate) => candidate.state === state);
    if (!key) throw new TallystickError('state_unusable', `"${path}" has no ${state} key`);
    if (key.role !== role) throw new TallystickError('state_unusable', `"${path}" has keys of another role`);
    return key;
  };
  let current = find('current');
  find('next');
  let nextDueMs = clock.monotonicMs() + publishLeftMs(keys, clock.nowMs());
  const headers = new Map<string, string>();
  let rotating: Promise<unknown> = Promise.resolve();

  async function newKey(state: StoredKey['state']): Promise<StoredKey> {
    const { privateKey } = await generate('ec', { namedCurve: 'P-256' });
    const createdAt = new Date(clock.nowMs()).toISOString();
    const activatedAt = state === 'current' ? createdAt : null;
    return {
      role,
      state,
      createdAt,
      activatedAt,
      publishUntil: null,
      published: publish(privateKey),
      privateKey,
    };
  }

  const rotateNow = async (record: (rotation: KeyRotation) => Promise<unknown>): Promise<KeyRotation> => {
    const leftMs = Math.ceil(nextDueMs - clock.monotonicMs());
    if (leftMs > 0) throw tooSoon(leftMs);
    const nowMs = clock.nowMs();
    const retired: StoredKey = {
      ...current,
      state: 'retired',
      publishUntil: new Date(nowMs + maxLifetimeMs + 60_000).toISOString(),
    };
    const promoted: StoredKey = { ...find('next'), state: 'current', activatedAt: new Date(nowMs).toISOString() };
    const kept = keys!.filter((key) => key.state === 'retired' && Date.parse(key.publishUntil!) > nowMs);
    const changed = [promoted, await newKey('next'), retired, ...kept];
    const rotation = { kid: promoted.published.kid, previous: retired.published.kid };
    await record(rotation);
    await writeKeyFile(path, changed);
    keys = changed;
    current = promoted;
    nextDueMs = clock.monotonicMs() + PUBLISH_AHEAD_MS;
    headers.clear();
    return rotation;
  };

  return {
    issuer,
    async sign(typ, claims) {
      const { kid, alg, jwk } = current.published;
      const cacheKey = `${typ} ${kid}`;
      let header = headers.get(cacheKey);
      if (header === undefined) {
        header = Buffer.from(JSON.stringify({ typ, alg, kid, ...(carriesKey && { jwk }) })).toString('base64url');
        headers.set(cacheKey, header);
      }
      const input = `${header}.${Buffer.from(claims).toString('base64url')}`;
      const signature = sign('sha256', Buffer.from(input, 'latin1'), {
        key: current.privateKey,
        dsaEncoding: 'ieee-p1363',
      });
      return `${input}.${signature.toString('base64url')}`;
    },
    keys: () => {
      const nowMs = clock.nowMs();
      return keys!
        .filter((key) => key.state !== 'retired' || Date.parse(key.publishUntil!) > nowMs)
        .map((key) => key.published);
    },
    currentKid: () => current.published.kid,
    currentSinceMs: () => Date.parse(current.activatedAt ?? current.createdAt),
    rotate: (record) => {
      const rotated = rotating.then(() => rotateNow(record));
      rotating = rotated.catch(() => {});
      return rotated;
    },
  };
}

/**
 * Returns how long the next key is still to be published before it may sign, milliseconds. Where no key has retired yet,
 * both were made at the first start: whoever has read one has read the other.
 */
function publishLeftMs(keys: readonly StoredKey[], nowMs: number): number {
  if (!keys.some(({ state }) => state === 'retired')) return 0;
  const next = keys.find(({ state }) => state === 'next')!;
  const publishedMs = Math.max(0, nowMs - Date.parse(next.createdAt));
  return Math.max(0, PUBLISH_AHEAD_MS - publishedMs);
}

function tooSoon(leftMs: number): TallystickError {
  const seconds = Math.ceil(leftMs / 1000);
  return new TallystickError('rotation_too_soon', 'the next key has not been published for long enough', {
    retryAfterMs: leftMs,
    remedy: `rotate again in ${seconds} s: an API that has not read the next key yet would refuse every token`,
  });
}
