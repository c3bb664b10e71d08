import { createPrivateKey, generateKeyPairSync, KeyObject } from 'node:crypto';
import { generateKeyPair, generateProof, type JWSAlgorithm } from 'dpop';
import {
  calculateJwkThumbprint,
  EmbeddedJWK,
  exportJWK,
  generateKeyPair as generateJoseKeyPair,
  jwtVerify,
  SignJWT,
} from 'jose';
import { describe, expect, test } from 'vitest';
import {
  accessTokenHash,
  createProof,
  generateHolderKey,
  holderKey,
  judgeProof,
  PROOF_ALGORITHMS,
  readProof,
  thumbprint,
  type ProofAlgorithm,
} from '../src/index.ts';
import { CLAIMS, forge, key, verdict } from './forge.ts';

const now = Math.floor(Date.now() / 1000);
const request = {
  method: 'POST',
  url: 'https://ledger.acme.example/v1/journals',
  iat: now,
  accessToken: 'Kz~8mXK1EalYznwH',
};
const expected = {
  method: 'POST',
  url: request.url,
  ath: accessTokenHash(request.accessToken),
  iat: { now, pastSeconds: 60, futureSeconds: 60 },
};

describe('jose judges what we create', () => {
  test.each(PROOF_ALGORITHMS)('%s: EmbeddedJWK verifies it, and reads the same', async (alg) => {
    const by = await generateHolderKey(alg);
    const { payload, protectedHeader } = await jwtVerify(createProof(by, { ...request, nonce: 'N1' }), EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: [alg],
    });
    expect(payload).toMatchObject({ htm: 'POST', htu: request.url, iat: now, ath: expected.ath, nonce: 'N1' });
    expect(await calculateJwkThumbprint(protectedHeader.jwk!)).toBe(by.jkt);
  });

  test.each(PROOF_ALGORITHMS)('%s: thumbprints agree', async (alg) => {
    const { publicJwk } = await generateHolderKey(alg);
    expect(thumbprint(publicJwk)).toBe(await calculateJwkThumbprint({ ...publicJwk }));
  });
});

describe('we accept what others create', () => {
  test.each(PROOF_ALGORITHMS)('jose, %s', async (alg) => {
    const { privateKey, publicKey } = await generateJoseKeyPair(alg, { extractable: true });
    const jwk = await exportJWK(publicKey);
    const proof = await new SignJWT({ jti: crypto.randomUUID(), htm: 'POST', htu: request.url, ath: expected.ath })
      .setProtectedHeader({ typ: 'dpop+jwt', alg, jwk })
      .setIssuedAt()
      .sign(privateKey);
    judgeProof(readProof(proof), { ...expected, jkt: await calculateJwkThumbprint(jwk) });
  });

  test.each<JWSAlgorithm & ProofAlgorithm>(['ES256', 'Ed25519', 'PS256'])('dpop, %s', async (alg) => {
    const pair = await generateKeyPair(alg, { extractable: true });
    const proof = readProof(await generateProof(pair, request.url, 'POST', 'N1', request.accessToken));
    judgeProof(proof, { ...expected, jkt: thumbprint((await exportJWK(pair.publicKey)) as Record<string, unknown>) });
    expect(proof.nonce).toBe('N1');
  });

  test('RS256, which dpop can make too, is refused: it is none of ours', async () => {
    const pair = await generateKeyPair('RS256');
    expect(verdict(await generateProof(pair, request.url, 'POST'))).toBe('alg');
  });

  test('a key that WebCrypto made signs our proofs too', async () => {
    const { privateKey } = await generateJoseKeyPair('ES256', { extractable: true });
    const by = holderKey(KeyObject.from(privateKey), 'ES256');
    await jwtVerify(createProof(by, request), EmbeddedJWK, { typ: 'dpop+jwt' });
    expect(readProof(createProof(by, request)).jkt).toBe(by.jkt);
  });
});

describe('what jose refuses, we refuse', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const by = holderKey(privateKey, 'ES256');
  const privateJwk = createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' })).export({ format: 'jwk' });

  test.each<[what: string, proof: string]>([
    ['a private key in the header', forge({ key: by, header: { jwk: privateJwk } })],
    ['a symmetric key in the header', forge({ header: { alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } } })],
    ['no key in the header', forge({ header: { jwk: undefined } })],
    ['another typ', forge({ header: { typ: 'JWT' } })],
    ['an unknown critical extension', forge({ header: { crit: ['x'], x: 1 } })],
    ['a signature by another key', forge({ key: by, header: { jwk: key.publicJwk } })],
    ['another curve', forge({ header: { alg: 'ES384' } })],
    ['alg none', forge({ header: { alg: 'none' } })],
    ['an exp that has passed', forge({ claims: { iat: now, exp: now - 1 } })],
    [
      'a point that is not on the curve',
      forge({ header: { jwk: { ...key.publicJwk, x: (key.publicJwk as { y: string }).y } } }),
    ],
  ])('%s', async (_what, proof) => {
    await expect(jwtVerify(proof, EmbeddedJWK, { typ: 'dpop+jwt' })).rejects.toThrow();
    expect(() => judgeProof(readProof(proof), { method: CLAIMS.htm, url: CLAIMS.htu, iat: expected.iat })).toThrow();
  });
});
