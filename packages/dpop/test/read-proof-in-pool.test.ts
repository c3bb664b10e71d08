import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generateHolderKey, PROOF_ALGORITHMS, ProofError, readProofInPool } from '../src/index.ts';
import { CLAIMS, forge, key, verdict } from './forge.ts';

const verdictInPool = (proof: string | readonly string[] | undefined) =>
  readProofInPool(proof).catch((error: unknown) => {
    if (error instanceof ProofError) return error.fault;
    throw error;
  });

/** The proof with one bit of its signature flipped. */
function spoilt(proof: string, at: number): string {
  const dot = proof.lastIndexOf('.');
  const signature = Buffer.from(proof.slice(dot + 1), 'base64url');
  signature[at]! ^= 1;
  return `${proof.slice(0, dot)}.${signature.toString('base64url')}`;
}

describe('a proof that is read in the pool', () => {
  test.each(PROOF_ALGORITHMS)('%s: gives what was signed, and is refused by a flipped bit anywhere', async (alg) => {
    const by = await generateHolderKey(alg);
    const proof = forge({ key: by });
    expect(await verdictInPool([proof])).toMatchObject({ alg, jkt: by.jkt, jti: CLAIMS.jti });
    for (const at of [0, 7, 63]) expect(await verdictInPool(spoilt(proof, at))).toBe('signature');
    const input = proof.slice(0, proof.lastIndexOf('.'));
    const signature = Buffer.from(proof.slice(input.length + 1), 'base64url');
    for (const short of [signature.subarray(1), signature.subarray(0, 3), Buffer.concat([signature, signature])]) {
      expect(await verdictInPool(`${input}.${short.toString('base64url')}`)).toBe('signature');
    }
  });

  test('is judged as it is on the thread that asks, whatever it is', async () => {
    const proof = forge();
    const mangled = fc
      .tuple(fc.nat(proof.length - 1), fc.constantFrom('A', '.', '-', '=', ' ', '', '!'))
      .map(([at, character]) => proof.slice(0, at) + character + proof.slice(at + 1));
    const claims = fc.record({
      jti: fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.jsonValue()),
      htm: fc.jsonValue(),
      iat: fc.jsonValue(),
    });
    const any = fc.oneof(
      mangled,
      fc.string(),
      fc.array(fc.constant(proof), { maxLength: 2 }),
      claims.map((over) => forge({ claims: over })),
      fc.jsonValue().map((jwk) => forge({ header: { jwk } })),
    );
    await fc.assert(
      fc.asyncProperty(any, async (header) => {
        expect(await verdictInPool(header)).toEqual(verdict(header));
      }),
      { numRuns: 300 },
    );
  });

  test('is one of many at a time, each with its own verdict', async () => {
    const proofs = Array.from({ length: 100 }, (_, i) => forge({ claims: { jti: `jti-${i}` } }));
    const verdicts = await Promise.all(
      proofs.map((proof, i) => verdictInPool(i % 3 === 0 ? spoilt(proof, i % 64) : proof)),
    );
    expect(verdicts.map((each) => (typeof each === 'string' ? each : each.jti))).toEqual(
      proofs.map((_, i) => (i % 3 === 0 ? 'signature' : `jti-${i}`)),
    );
    expect(verdicts[1]).toMatchObject({ jkt: key.jkt });
  });
});
