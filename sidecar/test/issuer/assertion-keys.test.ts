import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isUlid, systemRandom } from '@tallystick/core';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose';
import { describe, expect, test } from 'vitest';
import { createAssertionKeys } from '../../src/issuer/assertion-keys.ts';
import { jwkSet } from '../../src/issuer/jwks.ts';
import { FILES_AHEAD_MS } from '../../src/issuer/local-signer.ts';
import type { Signer } from '../../src/issuer/signer.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';
import { manualTime } from '../manual-time.ts';

const FEDERATION = 'https://identity.example/eu-1';

function keysIn(folder = temporaryFolder(), federationUrl: string | undefined = FEDERATION) {
  const time = manualTime();
  const open = () => createAssertionKeys({ federationUrl, folder, clock: time, random: systemRandom });
  return { folder, time, open, keys: open() };
}
const kidsOf = (signers: readonly Signer[]): string[] => signers.flatMap((one) => one.keys().map(({ kid }) => kid));

describe('keys for upstreams', () => {
  test('are made when something needs them, and not before', async () => {
    const { folder, keys } = keysIn();
    expect([await readdir(folder), keys.opened()]).toEqual([[], []]);
    await keys.sign('client', { iss: 'a', sub: 'a' });
    expect(await readdir(folder)).toEqual(['client-es256-keys.json']);
    await keys.sign('federation', { sub: 'a' }, { alg: 'RS256' });
    expect((await readdir(folder)).sort()).toEqual(['client-es256-keys.json', 'federation-rs256-keys.json']);
    for (const file of await readdir(folder)) expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
  });

  test('are made once, by however many need them at once, and kept', async () => {
    const { keys, open } = keysIn();
    const kids = await Promise.all(
      Array.from({ length: 10 }, async () => decodeProtectedHeader(await keys.sign('federation', {})).kid),
    );
    expect(new Set(kids).size).toBe(1);
    expect(kidsOf(await open().signers('federation'))).toEqual(kidsOf(await keys.signers('federation')));
  });

  test.each(['ES256', 'RS256'] as const)(
    'sign %s for the federation, in its own name, as jose verifies it',
    async (alg) => {
      const { keys, time } = keysIn();
      const jwt = await keys.sign('federation', { iss: 'https://forged.example', sub: 'x', exp: 2e9 }, { alg });
      const set = createLocalJWKSet(
        jwkSet((await keys.signers('federation')).flatMap((one) => one.keys())) as JSONWebKeySet,
      );
      const { payload, protectedHeader } = await jwtVerify(jwt, set, { currentDate: new Date(time.nowMs()) });
      expect([protectedHeader.alg, protectedHeader.typ]).toEqual([alg, 'JWT']);
      expect(payload).toMatchObject({ iss: FEDERATION, sub: 'x', iat: Math.floor(time.nowMs() / 1000) });
      expect(isUlid(payload.jti!)).toBe(true);
    },
  );

  test('sign a client assertion in the name of the client, with the type that is asked for', async () => {
    const { keys } = keysIn();
    const jwt = await keys.sign('client', { iss: 'c', sub: 'c', jti: 'own' }, { typ: 'client-authentication+jwt' });
    const set = createLocalJWKSet(jwkSet((await keys.signers('client')).flatMap((one) => one.keys())) as JSONWebKeySet);
    const { payload } = await jwtVerify(jwt, set, { typ: 'client-authentication+jwt' });
    expect(payload).toMatchObject({ iss: 'c', sub: 'c', jti: 'own' });
  });

  test('are of the algorithms that their role has', async () => {
    const { keys } = keysIn();
    await expect(keys.sign('client', {}, { alg: 'RS256' })).rejects.toThrow('there are no RS256 keys');
  });

  test('of a federation without a name are refused with what to configure', async () => {
    const folder = temporaryFolder();
    const keys = createAssertionKeys({ federationUrl: undefined, folder, clock: manualTime(), random: systemRandom });
    const refusal = { code: 'config_invalid', remedy: expect.stringContaining('federation: { url') as string };
    await expect(keys.sign('federation', {})).rejects.toMatchObject(refusal);
    await expect(keys.signers('federation')).rejects.toMatchObject(refusal);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('a rotation of keys that are published as files', () => {
  test('is refused until the next key stands in them, and by the next one until that does for an hour', async () => {
    const { keys, time, open } = keysIn();
    const [signer] = await keys.signers('client');
    const record = async (): Promise<void> => {};
    const unpublished = { code: 'rotation_too_soon', remedy: expect.stringContaining('issuer publish') as string };
    await expect(signer!.rotate(record)).rejects.toMatchObject(unpublished);
    await signer!.announce(kidsOf([signer!]));
    const { kid } = await signer!.rotate(record);
    expect(signer!.currentKid()).toBe(kid);

    time.advance(30 * 86_400_000);
    await expect(signer!.rotate(record)).rejects.toMatchObject(unpublished);
    await expect((await open().signers('client'))[0]!.rotate(record)).rejects.toMatchObject(unpublished);
    await signer!.announce(kidsOf([signer!]));
    await expect(signer!.rotate(record)).rejects.toMatchObject({ retryAfterMs: FILES_AHEAD_MS });
    time.advance(FILES_AHEAD_MS - 1);
    await expect((await open().signers('client'))[0]!.rotate(record)).rejects.toMatchObject({ retryAfterMs: 1 });
    time.advance(1);
    await expect(signer!.rotate(record)).resolves.toMatchObject({ previous: kid });
  });

  test('keeps the old key in the files until the longest assertion it signed has expired', async () => {
    const { keys, time } = keysIn();
    const [signer] = await keys.signers('client');
    await signer!.announce(kidsOf([signer!]));
    const { previous } = await signer!.rotate(async () => {});
    time.advance(3_600_000);
    expect(kidsOf([signer!])).toContain(previous);
    time.advance(60_001);
    expect(kidsOf([signer!])).not.toContain(previous);
  });
});
