import { TallystickError, type Clock } from '@tallystick/core';
import { readKeyFile, writeKeyFile, type StoredKey } from './key-file.ts';
import { assertMaySign } from './role-types.ts';
import type { KeyAlgorithm, KeyRole, KeyRotation, Signer } from './signer.ts';
import { makeSigningKey, publish, signatureOf } from './signing-key.ts';

/** The inputs of {@link openLocalSigner}. */
export interface LocalSignerOptions {
  readonly issuer: string;
  /** What its keys sign; a file has keys of one role. Default: tokens. */
  readonly role?: KeyRole;
  /** A file has keys of one algorithm. Default: ES256. */
  readonly alg?: KeyAlgorithm;
  /**
   * How verifiers come to know a key: the sidecar serves it as soon as it is made, or somebody publishes files that it
   * is in, and says so by {@link Signer.announce}. Default: served.
   */
  readonly announced?: 'served' | 'as-files';
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

/** The same for keys in files: they are on their way to a web server, and clouds keep what they read for a while. */
export const FILES_AHEAD_MS = 3_600_000;

/**
 * Opens the signer whose keys lie in a file of this host, and makes them at the first start.
 *
 * @throws {TallystickError} `state_unusable`
 */
export async function openLocalSigner(options: LocalSignerOptions): Promise<Signer> {
  const { issuer, role = 'token', alg = 'ES256', carriesKey = false, path, clock, maxLifetimeMs } = options;
  const isServed = options.announced !== 'as-files';
  const aheadMs = isServed ? PUBLISH_AHEAD_MS : FILES_AHEAD_MS;
  let keys = await readKeyFile(path, role);
  if (!keys) {
    keys = await Promise.all([newKey('current'), newKey('next')]);
    await writeKeyFile(path, keys);
  }
  const find = (state: StoredKey['state']): StoredKey => {
    const key = keys!.find((candidate) => candidate.state === state);
    if (!key) throw new TallystickError('state_unusable', `"${path}" has no ${state} key`);
    if (key.published.alg !== alg)
      throw new TallystickError('state_unusable', `"${path}" has keys that are not ${alg}`);
    return key;
  };
  let current = find('current');
  find('next');
  let nextDueMs = clock.monotonicMs() + publishLeftMs(keys, aheadMs, clock.nowMs());
  const headers = new Map<string, string>();
  let changing: Promise<unknown> = Promise.resolve();
  const oneByOne = <T>(change: () => Promise<T>): Promise<T> => {
    const changed = changing.then(change);
    changing = changed.catch(() => {});
    return changed;
  };

  async function newKey(state: StoredKey['state']): Promise<StoredKey> {
    const privateKey = await makeSigningKey(alg);
    const createdAt = new Date(clock.nowMs()).toISOString();
    const activatedAt = state === 'current' ? createdAt : null;
    return {
      role,
      state,
      createdAt,
      announcedAt: isServed ? createdAt : null,
      activatedAt,
      publishUntil: null,
      published: publish(privateKey),
      privateKey,
    };
  }

  const rotateNow = async (record: (rotation: KeyRotation) => Promise<unknown>): Promise<KeyRotation> => {
    const leftMs = Math.ceil(nextDueMs - clock.monotonicMs());
    if (leftMs === Infinity) throw notAnnounced();
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
    nextDueMs = isServed ? clock.monotonicMs() + aheadMs : Infinity;
    headers.clear();
    return rotation;
  };

  const announceNow = async (kids: readonly string[]): Promise<void> => {
    const announcedAt = new Date(clock.nowMs()).toISOString();
    const changed = keys!.map((key) =>
      key.announcedAt === null && kids.includes(key.published.kid) ? { ...key, announcedAt } : key,
    );
    if (changed.every((key, i) => key === keys![i])) return;
    await writeKeyFile(path, changed);
    keys = changed;
    current = find('current');
    nextDueMs = clock.monotonicMs() + publishLeftMs(keys, aheadMs, clock.nowMs());
  };

  return {
    issuer,
    async sign(typ, claims) {
      const { kid, jwk } = current.published;
      const cacheKey = `${typ} ${kid}`;
      let header = headers.get(cacheKey);
      if (header === undefined) {
        assertMaySign(role, typ);
        header = Buffer.from(JSON.stringify({ typ, alg, kid, ...(carriesKey && { jwk }) })).toString('base64url');
        headers.set(cacheKey, header);
      }
      const input = `${header}.${Buffer.from(claims).toString('base64url')}`;
      const signature = await signatureOf(Buffer.from(input, 'latin1'), current.privateKey, alg);
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
    announce: (kids) => oneByOne(() => announceNow(kids)),
    rotate: (record) => oneByOne(() => rotateNow(record)),
  };
}

/**
 * Returns how long the next key is still to be published before it may sign, milliseconds; infinite where nobody has
 * published it yet. Where no key has retired yet, both were made at the first start: whoever has read one has read the
 * other.
 */
function publishLeftMs(keys: readonly StoredKey[], aheadMs: number, nowMs: number): number {
  const { announcedAt } = keys.find(({ state }) => state === 'next')!;
  if (announcedAt === null) return Infinity;
  if (!keys.some(({ state }) => state === 'retired')) return 0;
  const publishedMs = Math.max(0, nowMs - Date.parse(announcedAt));
  return Math.max(0, aheadMs - publishedMs);
}

function notAnnounced(): TallystickError {
  return new TallystickError('rotation_too_soon', 'the next key is in no published file yet', {
    remedy:
      'run "tallystick issuer publish --dir DIR", bring the files to where they are read, and rotate an hour later',
  });
}

function tooSoon(leftMs: number): TallystickError {
  const seconds = Math.ceil(leftMs / 1000);
  return new TallystickError('rotation_too_soon', 'the next key has not been published for long enough', {
    retryAfterMs: leftMs,
    remedy: `rotate again in ${seconds} s: an API that has not read the next key yet would refuse every token`,
  });
}
