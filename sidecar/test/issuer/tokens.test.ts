import { join } from 'node:path';
import { JWT_TYPE, parseRevocationList } from '@tallystick/core';
import { createProof, generateHolderKey } from '@tallystick/dpop';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, SignJWT, type JSONWebKeySet } from 'jose';
import { describe, expect, test } from 'vitest';
import { jwkSet } from '../../src/issuer/jwks.ts';
import { openLocalSigner, PUBLISH_AHEAD_MS } from '../../src/issuer/local-signer.ts';
import { createTokenReader } from '../../src/issuer/read-token.ts';
import { LIST_LIFETIME_SECONDS, mintRevocationList } from '../../src/issuer/revocation-list.ts';
import { mintToken, type TokenContent } from '../../src/issuer/token.ts';
import { identity, ISSUER } from '../acme.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';
import { manualTime } from '../manual-time.ts';

const BATCH = identity('close-batch', { businessProcesses: ['BP-1042', 'BP-7'] });

async function issuer(url = ISSUER) {
  const time = manualTime();
  const path = join(temporaryFolder(), 'issuer-keys.json');
  const signer = await openLocalSigner({ issuer: url, path, clock: time, maxLifetimeMs: 86_400_000 });
  const now = Math.floor(time.nowMs() / 1000);
  const content = (members: Partial<TokenContent> = {}): TokenContent => ({
    identity: BATCH,
    audience: 'https://ledger.acme.example',
    scope: ['journal.read', 'journal.write'],
    jkt: 'holder-key',
    leaseId: 'ls_01KAMZ3CT000000000000000AA',
    registryRoot: 'root',
    issuedAt: now,
    expiresAt: now + 900,
    ...members,
  });
  return {
    time,
    signer,
    now,
    mint: (members?: Partial<TokenContent>) => mintToken(signer, content(members)),
    read: createTokenReader(signer, time),
    judge: (token: string, typ: string) =>
      jwtVerify(token, createLocalJWKSet(jwkSet(signer.keys()) as JSONWebKeySet), {
        issuer: url,
        audience: 'https://ledger.acme.example',
        typ,
        currentDate: new Date(time.nowMs()),
      }),
  };
}

describe('an access token', () => {
  test('has the header and the claims of RFC 9068 §2, bound to the holder (RFC 9449 §6.1), judged by jose', async () => {
    const { mint, judge, now, signer } = await issuer();
    const { payload, protectedHeader } = await judge(await mint(), 'at+jwt');
    expect(protectedHeader).toEqual({ typ: 'at+jwt', alg: 'ES256', kid: signer.currentKid() });
    expect(payload).toEqual({
      iss: ISSUER,
      sub: BATCH.id,
      client_id: BATCH.id,
      aud: 'https://ledger.acme.example',
      iat: now,
      exp: now + 900,
      jti: 'ls_01KAMZ3CT000000000000000AA',
      scope: 'journal.read journal.write',
      cnf: { jkt: 'holder-key' },
      tallystick: {
        lease: 'ls_01KAMZ3CT000000000000000AA',
        owner: { id: 'team-payments', kind: 'team' },
        environment: 'production',
        processes: ['BP-1042', 'BP-7'],
        registry: 'root',
      },
    });
  });

  test('has no scope where the credential has none (RFC 9068 §2.2.3)', async () => {
    const { mint } = await issuer();
    expect(decodeJwt(await mint({ scope: [] }))).not.toHaveProperty('scope');
  });

  test('has the claimed run only where it is attributed by run', async () => {
    const { mint } = await issuer();
    expect(decodeJwt(await mint()).tallystick).not.toHaveProperty('run');
    expect(decodeJwt(await mint({ run: 'r-77' })).tallystick).toHaveProperty('run', 'r-77');
  });

  test('names nobody beside the identity and its owner', async () => {
    const { mint } = await issuer();
    const text = JSON.stringify(decodeJwt(await mint()));
    for (const inner of ['team-finance', 'posts the month-end', 'unix:uid']) expect(text).not.toContain(inner);
  });
});

describe('the reader of own tokens', () => {
  test('gives the claims of a token of this issuer, until it expires', async () => {
    const { mint, read, time } = await issuer();
    const token = await mint();
    expect(await read(token)).toMatchObject({ sub: BATCH.id, cnf: { jkt: 'holder-key' } });
    time.advance(899_000);
    expect(await read(token)).toBeDefined();
    time.advance(1000);
    expect(await read(token)).toBeUndefined();
  });

  test('reads tokens of keys before and after a rotation', async () => {
    const { mint, read, signer, time } = await issuer();
    const tokens: string[] = [];
    for (let rotation = 0; rotation < 3; rotation++) {
      tokens.push(await mint());
      for (const token of tokens) expect(await read(token)).toBeDefined();
      time.advance(PUBLISH_AHEAD_MS);
      await signer.rotate(async () => {});
    }
  });

  test('gives nothing for what is not a token of this issuer', async () => {
    const { mint, read, signer, now } = await issuer();
    const token = await mint();
    const [header, payload, signature] = token.split('.') as [string, string, string];
    const stranger = await issuer();
    const otherIssuer = await issuer('https://other.example');
    const unsigned = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${payload}.`;
    const hmac = await new SignJWT(decodeJwt(token))
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: signer.currentKid() })
      .sign(Buffer.from(JSON.stringify(jwkSet(signer.keys()).keys[0])));
    const flipped = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
    const others = [
      '',
      '.',
      '..',
      'x',
      'é.é.é',
      'a'.repeat(60_000),
      `${header}.${payload}`,
      `${header}.${payload}.${flipped}`,
      `${header}.${Buffer.from('{}').toString('base64url')}.${signature}`,
      `${token}.x`,
      unsigned,
      hmac,
      await stranger.mint(),
      await otherIssuer.mint(),
      await signer.sign(JWT_TYPE.accessToken, JSON.stringify({ ...decodeJwt(token), iss: 'https://other.example' })),
      await signer.sign(JWT_TYPE.revocations, JSON.stringify(decodeJwt(token))),
      await signer.sign(JWT_TYPE.accessToken, '"text"'),
      await signer.sign(JWT_TYPE.accessToken, '{'),
      await signer.sign(JWT_TYPE.accessToken, JSON.stringify({ iss: ISSUER, sub: BATCH.id, exp: now + 900 })),
    ];
    for (const other of others) expect(await read(other)).toBeUndefined();
  });
});

test('no JWT of ours is accepted in the place of another (RFC 8725 §3.11)', async () => {
  const { mint, signer, now, judge, read } = await issuer();
  const key = await generateHolderKey();
  const jwts = {
    [JWT_TYPE.accessToken]: await mint(),
    [JWT_TYPE.revocations]: await mintRevocationList(signer, [], now),
    [JWT_TYPE.proof]: createProof(key, { method: 'POST', url: `${ISSUER}/token`, iat: now }),
  };
  for (const [typ, jwt] of Object.entries(jwts)) {
    expect(decodeProtectedHeader(jwt).typ).toBe(typ);
    expect((await read(jwt)) !== undefined).toBe(typ === JWT_TYPE.accessToken);
    for (const place of Object.values(JWT_TYPE)) if (place !== typ) await expect(judge(jwt, place)).rejects.toThrow();
  }
});

test('the revocation list is signed by a token key, says how long it may be relied on, and is read by the API', async () => {
  const { signer, now } = await issuer();
  const lines = [
    { kind: 'jti' as const, value: 'ls_1', until: now + 1 },
    { kind: 'sub' as const, value: BATCH.id, before: now, until: now + 1 },
  ];
  const jwt = await mintRevocationList(signer, lines, now);
  const { payload } = await jwtVerify(jwt, createLocalJWKSet(jwkSet(signer.keys()) as JSONWebKeySet), {
    typ: 'tallystick-revocations+jwt',
    issuer: ISSUER,
    currentDate: new Date(now * 1000),
  });
  expect(parseRevocationList(payload)).toEqual({
    iss: ISSUER,
    iat: now,
    exp: now + LIST_LIFETIME_SECONDS,
    revoked: lines,
  });
});
