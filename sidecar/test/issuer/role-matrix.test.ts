import { join } from 'node:path';
import { JWT_TYPE } from '@tallystick/core';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { describe, expect, test } from 'vitest';
import { jwkSet } from '../../src/issuer/jwks.ts';
import { openLocalSigner } from '../../src/issuer/local-signer.ts';
import type { KeyRole, Signer } from '../../src/issuer/signer.ts';
import { ISSUER } from '../acme.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';
import { manualTime } from '../manual-time.ts';

/** Every JWT that the sidecar signs: by which role, as which type, in whose name. */
const SIGNED: readonly (readonly [KeyRole, string, string])[] = [
  ['token', JWT_TYPE.accessToken, ISSUER],
  ['token', JWT_TYPE.revocations, ISSUER],
  ['reply', JWT_TYPE.credential, ISSUER],
  ['client', JWT_TYPE.clientAssertion, 'client'],
  ['client', JWT_TYPE.plain, 'client'],
  ['federation', JWT_TYPE.plain, 'https://identity.example'],
  ['federation', JWT_TYPE.authorizationGrant, 'https://identity.example'],
];
const ROLES = ['token', 'reply', 'client', 'federation'] as const;
const time = manualTime();

function open(role: KeyRole, path: string): Promise<Signer> {
  return openLocalSigner({ issuer: ISSUER, role, path, clock: time, maxLifetimeMs: 3_600_000 });
}

describe('no JWT is accepted in the place of another:', () => {
  test('each that is signed verifies as itself, and as nothing else that is', async () => {
    const folder = temporaryFolder();
    const signers = new Map<KeyRole, Signer>();
    for (const role of ROLES) signers.set(role, await open(role, join(folder, `${role}.json`)));
    for (const [role, typ, iss] of SIGNED) {
      const jwt = await signers.get(role)!.sign(typ, JSON.stringify({ iss }));
      const acceptedAs: unknown[] = [];
      for (const place of SIGNED) {
        const [placeRole, placeType, issuer] = place;
        const keys = createLocalJWKSet(jwkSet(signers.get(placeRole)!.keys()) as JSONWebKeySet);
        await jwtVerify(jwt, keys, { typ: placeType, issuer, currentDate: new Date(time.nowMs()) }).then(
          () => acceptedAs.push(place),
          () => {},
        );
      }
      expect(acceptedAs).toEqual([[role, typ, iss]]);
    }
  });

  test.each(ROLES)('keys of the role %s sign its own types alone', async (role) => {
    const signer = await open(role, join(temporaryFolder(), 'keys.json'));
    for (const typ of [...new Set(SIGNED.map(([, each]) => each)), JWT_TYPE.proof, 'jwt', '']) {
      const isOwn = SIGNED.some(([itsRole, itsType]) => itsRole === role && itsType === typ);
      const signed = signer.sign(typ, '{}');
      if (isOwn) await expect(signed).resolves.toMatch(/^ey/);
      else await expect(signed).rejects.toThrow('does not sign');
    }
  });

  test.each(ROLES)('a key file of the role %s opens as no other', async (role) => {
    const path = join(temporaryFolder(), 'keys.json');
    const [first] = (await open(role, path)).keys();
    for (const other of ROLES) {
      if (other === role) expect((await open(other, path)).keys()[0]).toEqual(first);
      else await expect(open(other, path)).rejects.toMatchObject({ code: 'state_unusable' });
    }
  });

  test('a key file of one algorithm does not open as another', async () => {
    const path = join(temporaryFolder(), 'keys.json');
    const options = { issuer: ISSUER, role: 'federation', path, clock: time, maxLifetimeMs: 1 } as const;
    await openLocalSigner(options);
    await expect(openLocalSigner({ ...options, alg: 'RS256' })).rejects.toMatchObject({ code: 'state_unusable' });
  });
});
