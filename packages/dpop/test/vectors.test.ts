import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ALGORITHMS } from '../src/algorithms.ts';
import { accessTokenHash, judgeProof, readProof, thumbprint, type ProofAlgorithm } from '../src/index.ts';
import { verifies } from '../src/proof-key.ts';
import { importPublic } from '../src/public-key.ts';

const load = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`vectors/${name}.json`, import.meta.url), 'utf8'));

interface Rfc9449 {
  jkt: string;
  jwk: Record<string, unknown>;
  accessToken: string;
  ath: string;
  proofs: {
    figure: string;
    method: string;
    url: string;
    proof: string;
    claims: Record<string, unknown> & { iat: number };
  }[];
}
const rfc9449 = load('rfc9449') as Rfc9449;

describe('RFC 9449', () => {
  test.each(rfc9449.proofs)('the proof of figure $figure is accepted', ({ method, url, proof: jwt, claims }) => {
    const proof = readProof(jwt);
    expect(proof).toMatchObject({ alg: 'ES256', jkt: rfc9449.jkt, ...claims });
    judgeProof(proof, {
      method,
      url,
      jkt: rfc9449.jkt,
      ath: claims.ath === undefined ? undefined : accessTokenHash(rfc9449.accessToken),
      iat: { now: claims.iat, pastSeconds: 0, futureSeconds: 0 },
    });
  });

  test('§7.1: ath of the example token', () => {
    expect(accessTokenHash(rfc9449.accessToken)).toBe(rfc9449.ath);
  });
});

test.each(
  (load('thumbprints') as { keys: { section: string; thumbprint: string; jwk: Record<string, unknown> }[] }).keys,
)('$section: the thumbprint of the example key, whatever else the JWK holds', ({ jwk, thumbprint: expected }) => {
  expect(thumbprint(jwk)).toBe(expected);
});

type WycheproofTest = [
  tcId: number,
  result: 'valid' | 'invalid',
  flags: string[],
  comment: string,
  msg: string,
  sig: string,
];
const wycheproof = load('wycheproof') as {
  algorithms: Record<
    ProofAlgorithm,
    { file: string; groups: { jwk: Record<string, unknown>; tests: WycheproofTest[] }[] }
  >;
};

describe.each(Object.entries(wycheproof.algorithms))('Wycheproof %s', (name, { groups }) => {
  const alg = name as ProofAlgorithm;
  const cases = groups.flatMap(({ jwk, tests }) => tests.map((one) => [...one, jwk] as const));

  test.each(cases)('%i is %s: %j %s', (_tcId, result, _flags, _comment, msg, sig, jwk) => {
    const key = importPublic(jwk, alg);
    if (!key) throw new Error('the key was refused');
    const valid = verifies(
      { alg, options: ALGORITHMS[alg].options(key) },
      Buffer.from(msg, 'hex'),
      Buffer.from(sig, 'hex'),
    );
    expect(valid).toBe(result === 'valid');
  });
});
