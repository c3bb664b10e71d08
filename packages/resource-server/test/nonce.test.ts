import { describe, expect, test } from 'vitest';
import { nodeRequest, openApi, proofOf, refusalOf, requestWith } from './api.ts';
import { NOW } from './issuer.ts';

const nonceSecret = new Uint8Array(32).fill(7);

describe('an API with a nonce secret', () => {
  test('RFC 9449 §9: asks for its nonce, and accepts the proof that has it', async () => {
    const { verifier, key, token } = await openApi({ nonceSecret });
    const refusal = await refusalOf(verifier, requestWith(token, proofOf(key, token)));
    expect(refusal).toMatchObject({
      status: 401,
      error: 'use_dpop_nonce',
      reason: 'proof_nonce',
      code: 'use_dpop_nonce',
    });
    expect(refusal.headers['WWW-Authenticate']).toContain('DPoP error="use_dpop_nonce"');
    const nonce = refusal.headers['DPoP-Nonce']!;
    expect(nonce).toBe(verifier.nonce());
    await expect(verifier.verify(requestWith(token, proofOf(key, token, { nonce })))).resolves.toBeDefined();
  });

  test('RFC 9449 §11.1: with a good nonce, the clock of the client does not matter', async () => {
    const { verifier, key, token } = await openApi({ nonceSecret });
    const proof = proofOf(key, token, { nonce: verifier.nonce(), iat: NOW - 86_400 });
    await expect(verifier.verify(requestWith(token, proof))).resolves.toBeDefined();
  });

  test('accepts a nonce for a step after its own, and no longer', async () => {
    const { verifier, clock, key, token } = await openApi({ nonceSecret });
    const nonce = verifier.nonce();
    clock.advance(15_000);
    await expect(verifier.verify(requestWith(token, proofOf(key, token, { nonce })))).resolves.toBeDefined();
    clock.advance(15_000);
    expect((await refusalOf(verifier, requestWith(token, proofOf(key, token, { nonce })))).reason).toBe('proof_nonce');
  });

  test('accepts the nonces of its replicas, and of no other API', async () => {
    const one = await openApi({ nonceSecret });
    const replica = await openApi({ nonceSecret });
    const other = await openApi({ nonceSecret, audience: 'https://other.example' });
    expect(replica.verifier.nonce()).toBe(one.verifier.nonce());
    expect(other.verifier.nonce()).not.toBe(one.verifier.nonce());
    const stranger = await openApi({ nonceSecret: new Uint8Array(32) });
    const { key, token } = one;
    const proof = proofOf(key, token, { nonce: stranger.verifier.nonce() });
    expect((await refusalOf(one.verifier, requestWith(token, proof))).reason).toBe('proof_nonce');
  });

  test('accepts a proof once, though its nonce is good for more', async () => {
    const { verifier, key, token } = await openApi({ nonceSecret });
    const proof = proofOf(key, token, { nonce: verifier.nonce() });
    await verifier.verify(requestWith(token, proof));
    expect((await refusalOf(verifier, requestWith(token, proof))).reason).toBe('proof_replayed');
  });

  test('RFC 9449 §8.2: gives the nonce with every refusal, so that the next proof has it', async () => {
    const { verifier } = await openApi({ nonceSecret });
    expect((await refusalOf(verifier, nodeRequest())).headers['DPoP-Nonce']).toBe(verifier.nonce());
  });

  test('tells a thief without the key nothing but that', async () => {
    const { verifier, token } = await openApi({ nonceSecret });
    const { key: thief } = await openApi();
    const proof = proofOf(thief, token, { nonce: verifier.nonce() });
    expect((await refusalOf(verifier, requestWith(token, proof))).reason).toBe('proof_key');
  });
});

test('an API without a nonce secret gives none, and does not mind one', async () => {
  const { verifier, key, token } = await openApi();
  expect(verifier.nonce()).toBeUndefined();
  expect((await refusalOf(verifier, nodeRequest())).headers['DPoP-Nonce']).toBeUndefined();
  await expect(
    verifier.verify(requestWith(token, proofOf(key, token, { nonce: 'of-another' }))),
  ).resolves.toBeDefined();
});
