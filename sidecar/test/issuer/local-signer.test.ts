import { hash } from 'node:crypto';
import { mkdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { thumbprint } from '@tallystick/dpop';
import { compactVerify, createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet } from 'jose';
import { describe, expect, test } from 'vitest';
import { jwkSet } from '../../src/issuer/jwks.ts';
import { openLocalSigner, PUBLISH_AHEAD_MS } from '../../src/issuer/local-signer.ts';
import type { Signer } from '../../src/issuer/signer.ts';
import { ISSUER } from '../acme.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';
import { manualTime } from '../manual-time.ts';

const MAX_LIFETIME_MS = 86_400_000;

async function signer(path = join(temporaryFolder(), 'issuer-keys.json')) {
  const time = manualTime();
  const open = () => openLocalSigner({ issuer: ISSUER, path, clock: time, maxLifetimeMs: MAX_LIFETIME_MS });
  return { time, path, open, signer: await open() };
}
const verifies = async (jws: string, own: Signer): Promise<boolean> =>
  compactVerify(jws, createLocalJWKSet(jwkSet(own.keys()) as JSONWebKeySet)).then(
    () => true,
    () => false,
  );
const kids = (own: Signer): string[] => own.keys().map(({ kid }) => kid);

describe('the keys of the issuer', () => {
  test('are made at the first start, in a file for their owner alone, and kept', async () => {
    const { path, signer: own, open } = await signer();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const again = await open();
    expect([again.currentKid(), kids(again)]).toEqual([own.currentKid(), kids(own)]);
    expect(await verifies(await own.sign('at+jwt', '{}'), again)).toBe(true);
  });

  test('are published as public halves under their thumbprints (RFC 7638)', async () => {
    const { signer: own } = await signer();
    const { keys } = jwkSet(own.keys());
    expect(keys).toHaveLength(2);
    for (const { kid, alg, use, ...members } of keys) {
      expect(kid).toBe(thumbprint(members));
      expect([alg, use, Object.keys(members).sort()]).toEqual(['ES256', 'sig', ['crv', 'kty', 'x', 'y']]);
    }
  });

  test('sign what is verified by jose, with the type they are told', async () => {
    const { signer: own } = await signer();
    const jws = await own.sign('at+jwt', '{"sub":"é"}');
    expect(decodeProtectedHeader(jws)).toEqual({ typ: 'at+jwt', alg: 'ES256', kid: own.currentKid() });
    const { payload } = await compactVerify(jws, createLocalJWKSet(jwkSet(own.keys()) as JSONWebKeySet));
    expect(new TextDecoder().decode(payload)).toBe('{"sub":"é"}');
  });

  test('do not leave by printing the signer', async () => {
    const { path, signer: own } = await signer();
    const { content } = JSON.parse(await readFile(path, 'utf8')) as { content: { keys: { jwk: { d: string } }[] } };
    const shown = JSON.stringify(own) + JSON.stringify(jwkSet(own.keys())) + (await own.sign('at+jwt', '{}'));
    for (const { jwk } of content.keys) {
      expect(jwk.d).toMatch(/^[\w-]{43}$/);
      expect(shown).not.toContain(jwk.d);
    }
  });
});

describe('a rotation', () => {
  test('signs with the key that was published before, and publishes a new one', async () => {
    const { signer: own } = await signer();
    const published = kids(own);
    const { kid, previous } = await own.rotate(async () => {});
    expect(published).toContain(kid);
    expect([own.currentKid(), kid === previous]).toEqual([kid, false]);
    expect(kids(own)).toHaveLength(3);
    expect(kids(own)).toEqual(expect.arrayContaining(published));
    expect(decodeProtectedHeader(await own.sign('at+jwt', '{}')).kid).toBe(kid);
  });

  test('keeps the old key until the longest token it signed has expired, over restarts too', async () => {
    const { time, signer: own, open } = await signer();
    const jws = await own.sign('at+jwt', '{}');
    const { previous } = await own.rotate(async () => {});
    time.advance(MAX_LIFETIME_MS);
    expect(await verifies(jws, own)).toBe(true);
    expect(await verifies(jws, await open())).toBe(true);
    time.advance(60_001);
    expect(kids(own)).not.toContain(previous);
    expect(await verifies(jws, own)).toBe(false);
    await own.rotate(async () => {});
    expect(kids(await open())).not.toContain(previous);
  });

  test('is refused until the next key has been published for as long as a copy of the keys may be old', async () => {
    const { time, signer: own } = await signer();
    await own.rotate(async () => {});
    const seenByApis = kids(own);
    const before = [own.currentKid(), ...seenByApis];
    await expect(own.rotate(async () => {})).rejects.toMatchObject({
      code: 'rotation_too_soon',
      retryAfterMs: PUBLISH_AHEAD_MS,
      remedy: expect.stringContaining('rotate again in 90 s') as string,
    });
    time.advance(PUBLISH_AHEAD_MS - 1);
    await expect(own.rotate(async () => {})).rejects.toMatchObject({ code: 'rotation_too_soon', retryAfterMs: 1 });
    expect([own.currentKid(), ...kids(own)]).toEqual(before);
    time.advance(1);
    expect(seenByApis).toContain((await own.rotate(async () => {})).kid);
  });

  test('that comes too soon does so after a restart, and after the wall clock was set back', async () => {
    const { time, signer: own, open } = await signer();
    await own.rotate(async () => {});
    time.advance(PUBLISH_AHEAD_MS - 1000);
    await expect((await open()).rotate(async () => {})).rejects.toMatchObject({
      code: 'rotation_too_soon',
      retryAfterMs: 1000,
    });
    time.jump(-86_400_000);
    await expect((await open()).rotate(async () => {})).rejects.toMatchObject({ retryAfterMs: PUBLISH_AHEAD_MS });
    time.advance(1000);
    await own.rotate(async () => {});
  });

  test('by many at once is one rotation', async () => {
    const { signer: own, open } = await signer();
    const rotations = await Promise.allSettled(Array.from({ length: 5 }, () => own.rotate(async () => {})));
    expect(rotations.map(({ status }) => status)).toEqual([
      'fulfilled',
      ...Array.from({ length: 4 }, () => 'rejected'),
    ]);
    const again = await open();
    expect([again.currentKid(), kids(again).sort()]).toEqual([own.currentKid(), kids(own).sort()]);
  });

  test('goes on signing meanwhile', async () => {
    const { signer: own } = await signer();
    const rotated = own.rotate(async () => {});
    const signed = await Promise.all(Array.from({ length: 20 }, () => own.sign('at+jwt', '{}')));
    await rotated;
    for (const jws of signed) expect(await verifies(jws, own)).toBe(true);
  });

  test('signs and publishes nothing by the new key before it is on record, and nothing where that fails', async () => {
    const { signer: own } = await signer();
    const before = [own.currentKid(), ...kids(own)];
    const seen: unknown[] = [];
    const recorded = own.rotate(async ({ kid, previous }) => {
      seen.push([previous, kid], own.currentKid(), kids(own));
    });
    await recorded;
    expect(seen).toEqual([[before[0], before[2]], before[0], before.slice(1)]);
    const { signer: other } = await signer();
    const old = [other.currentKid(), ...kids(other)];
    await expect(other.rotate(() => Promise.reject(new Error('no record')))).rejects.toThrow('no record');
    expect([other.currentKid(), ...kids(other)]).toEqual(old);
  });

  test('that cannot be written changes nothing: the old keys go on, and the next one works', async () => {
    const { path, signer: own } = await signer();
    const before = [own.currentKid(), ...kids(own)];
    await mkdir(`${path}.new`);
    await expect(own.rotate(async () => {})).rejects.toMatchObject({ code: 'state_unusable' });
    expect([own.currentKid(), ...kids(own)]).toEqual(before);
    expect(await verifies(await own.sign('at+jwt', '{}'), own)).toBe(true);
    await rmdir(`${path}.new`);
    await own.rotate(async () => {});
    expect(own.currentKid()).toBe(before[2]);
  });
});

describe('a key file', () => {
  test('that is torn stops the start and names itself; it is not made anew', async () => {
    const { path, open } = await signer();
    const text = await readFile(path, 'utf8');
    for (const torn of ['', text.slice(0, 100), text.slice(0, -1), `${text} `]) {
      await writeFile(path, torn);
      await expect(open()).rejects.toMatchObject({
        code: 'state_unusable',
        message: expect.stringContaining(path) as string,
      });
      expect(await readFile(path, 'utf8')).toBe(torn);
    }
  });

  test.each([
    ['another curve', { kty: 'EC', crv: 'P-384' }],
    ['no private half', { kty: 'EC', crv: 'P-256', x: 'a', y: 'b' }],
    ['another role', undefined],
  ])('with %s stops the start', async (_title, jwk) => {
    const { path, open } = await signer();
    const { content } = JSON.parse(await readFile(path, 'utf8')) as { content: { keys: Record<string, unknown>[] } };
    content.keys[0] = { ...content.keys[0], ...(jwk ? { jwk } : { role: 'reply' }) };
    const changed = JSON.stringify(content);
    await writeFile(path, `{"sha256":"${hash('sha256', changed, 'base64url')}","content":${changed}}`);
    await expect(open()).rejects.toMatchObject({
      code: 'state_unusable',
      remedy: expect.stringContaining('restore it from a backup') as string,
    });
  });

  test.each(['current', 'next'])('without its %s key stops the start', async (state) => {
    const { path, open } = await signer();
    const { content } = JSON.parse(await readFile(path, 'utf8')) as { content: { keys: { state: string }[] } };
    const changed = JSON.stringify({ keys: content.keys.filter((key) => key.state !== state) });
    await writeFile(path, `{"sha256":"${hash('sha256', changed, 'base64url')}","content":${changed}}`);
    await expect(open()).rejects.toMatchObject({
      code: 'state_unusable',
      message: expect.stringContaining(state) as string,
    });
  });
});
