import { systemRandom, TallystickError } from '@tallystick/core';
import { createProof, generateHolderKey } from '@tallystick/dpop';
import { describe, expect, test } from 'vitest';
import { createProofGate, type ProofGateOptions } from '../../src/release/proof-gate.ts';
import { handmadeProof } from '../handmade-proof.ts';
import { manualTime } from '../manual-time.ts';

const URL = 'https://tallystick.acme.example/token';
const OWNER = 'spiffe://acme.example/close-batch';
const [KEY, OTHER_KEY] = [await generateHolderKey(), await generateHolderKey()];

function gate(options: Partial<ProofGateOptions> = {}) {
  const time = manualTime();
  const proofs = createProofGate({ clock: time, random: systemRandom, ...options });
  const prove = (nonce: string | undefined = proofs.nonce(), key = KEY, bth?: string): string =>
    createProof(key, { method: 'POST', url: URL, iat: Math.floor(time.nowMs() / 1000), nonce, bth });
  const check = (proof: string, owner = OWNER, bth?: string) =>
    proofs.check([proof], { method: 'POST', url: URL, bth }, owner);
  const codeOf = (proof: string, owner = OWNER): Promise<string> =>
    check(proof, owner).then(
      () => 'accepted',
      (error: unknown) => (TallystickError.is(error) ? error.code : 'not ours'),
    );
  return { time, proofs, prove, check, codeOf };
}

describe('a proof on the workload socket', () => {
  test('is accepted with the nonce of the moment, and says whose key it is (RFC 9449 §4.3)', async () => {
    const { prove, check } = gate();
    const proof = prove();
    expect(await check(proof)).toMatchObject({
      jkt: KEY.jkt,
      htm: 'POST',
      htu: URL,
      sha256: expect.any(String) as string,
    });
  });

  test('needs a nonce (RFC 9449 §8)', async () => {
    const { time, codeOf } = gate();
    const bare = createProof(KEY, { method: 'POST', url: URL, iat: Math.floor(time.nowMs() / 1000) });
    expect(await codeOf(bare)).toBe('use_dpop_nonce');
  });

  test('is refused with a nonce that this run never gave, also one of the run before', async () => {
    const { codeOf, prove } = gate();
    const before = gate().proofs.nonce();
    for (const nonce of [before, 'x', '', before.slice(1)]) expect(await codeOf(prove(nonce))).not.toBe('accepted');
  });

  test('lives one step beyond that of its nonce, and no longer', async () => {
    const { time, prove, codeOf, proofs } = gate();
    const nonce = proofs.nonce();
    time.advance(29_999);
    expect(await codeOf(prove(nonce))).toBe('accepted');
    time.advance(1);
    expect(await codeOf(prove(nonce))).toBe('use_dpop_nonce');
  });

  test('is judged before its nonce is, so that a bad one is told the truth', async () => {
    const { proofs } = gate();
    const wrong = createProof(KEY, { method: 'GET', url: URL, iat: 0 });
    await expect(proofs.check([wrong], { method: 'POST', url: URL }, OWNER)).rejects.toMatchObject({
      code: 'invalid_proof',
      fault: 'htm',
    });
  });

  test('binds the body where the route asks for it', async () => {
    const { prove, check } = gate();
    expect(await check(prove(undefined, KEY, 'hash'), OWNER, 'hash')).toMatchObject({ bth: 'hash' });
    await expect(check(prove(undefined, KEY, 'other'), OWNER, 'hash')).rejects.toMatchObject({ fault: 'bth' });
    await expect(check(prove(), OWNER, 'hash')).rejects.toMatchObject({ fault: 'bth' });
  });

  test('does not care for the clock of its maker: the nonce says how fresh it is (RFC 9449 §11.1)', async () => {
    const { proofs, check } = gate();
    for (const iat of [0, 4_102_444_800]) {
      const proof = createProof(KEY, { method: 'POST', url: URL, iat, nonce: proofs.nonce() });
      expect(await check(proof)).toMatchObject({ iat });
    }
  });
});

describe('a proof that was used', () => {
  test('is refused as long as its nonce would be accepted', async () => {
    const { time, prove, codeOf } = gate();
    const proof = prove();
    expect(await codeOf(proof)).toBe('accepted');
    for (let ms = 0; ms < 30_000; ms += 500) {
      expect(await codeOf(proof)).toBe('proof_replayed');
      time.advance(500);
    }
    expect(await codeOf(proof)).toBe('use_dpop_nonce');
  });

  test('is not revived by a wall clock that jumps back ten minutes, again and again', async () => {
    const { time, prove, codeOf } = gate();
    const used = [prove(), prove()];
    for (const proof of used) expect(await codeOf(proof)).toBe('accepted');
    for (let i = 0; i < 10; i++) {
      time.jump(i % 2 === 0 ? -600_000 : 600_000);
      for (const proof of used) expect(await codeOf(proof)).not.toBe('accepted');
      time.advance(7_000);
      expect(await codeOf(prove())).toBe('accepted');
      for (const proof of used) expect(await codeOf(proof)).not.toBe('accepted');
    }
  });

  test('is refused whoever sends it', async () => {
    const { prove, codeOf } = gate();
    const proof = prove();
    expect(await codeOf(proof)).toBe('accepted');
    expect(await codeOf(proof, 'spiffe://acme.example/other')).toBe('proof_replayed');
  });

  test('is accepted once of a thousand copies that come at the same time, wherever each is checked', async () => {
    const { prove, codeOf } = gate();
    const [one, two] = [prove(), prove()];
    const codes = await Promise.all(Array.from({ length: 1000 }, (_, i) => codeOf(i % 2 === 0 ? one : two)));
    expect(codes.filter((code) => code === 'accepted')).toHaveLength(2);
    expect(codes.filter((code) => code === 'proof_replayed')).toHaveLength(998);
  });

  test('is one by key and jti: the same jti of another key is another proof', async () => {
    const { proofs, codeOf } = gate();
    const claims = { jti: 'the same', htm: 'POST', htu: URL, iat: 0, nonce: proofs.nonce() };
    const [mine, theirs] = [handmadeProof(KEY, claims), handmadeProof(OTHER_KEY, claims)];
    expect([await codeOf(mine), await codeOf(theirs), await codeOf(mine)]).toEqual([
      'accepted',
      'accepted',
      'proof_replayed',
    ]);
  });

  test('is not remembered when it was refused: a bad request burns no jti', async () => {
    const { prove, codeOf, check } = gate();
    const proof = prove();
    await expect(check(proof, OWNER, 'a body hash')).rejects.toThrow();
    expect(await codeOf(proof)).toBe('accepted');
  });

  test('is remembered when a step ends between two readings of the clock', async () => {
    for (let startMs = 29_980; startMs < 30_010; startMs++) {
      // Each reading is a millisecond after the one before.
      let readingMs = 0;
      const proofs = createProofGate({
        clock: { nowMs: () => 0, monotonicMs: () => readingMs++ },
        random: systemRandom,
      });
      const proof = createProof(KEY, { method: 'POST', url: URL, iat: 0, nonce: proofs.nonce() });
      const check = () => proofs.check([proof], { method: 'POST', url: URL }, OWNER);
      expect(await check()).toMatchObject({ jkt: KEY.jkt });
      readingMs = startMs;
      await expect(check()).rejects.toThrow();
    }
  });
});

describe('the store of used proofs', () => {
  test('gives each identity its quota of a step, and says when there is room again', async () => {
    const { time, prove, codeOf, check } = gate({ quota: 3 });
    for (let i = 0; i < 3; i++) expect(await codeOf(prove())).toBe('accepted');
    const one = prove();
    await expect(check(one)).rejects.toMatchObject({ code: 'proof_capacity', retryable: true, retryAfterMs: 15_000 });
    expect(await codeOf(prove(), 'spiffe://acme.example/other')).toBe('accepted');
    time.advance(15_000);
    expect(await codeOf(prove())).toBe('accepted');
  });

  test('does not let the quota be passed by an older nonce', async () => {
    const { time, proofs, prove, codeOf } = gate({ quota: 2 });
    const old = proofs.nonce();
    expect([await codeOf(prove(old)), await codeOf(prove(old)), await codeOf(prove(old))]).toEqual([
      'accepted',
      'accepted',
      'proof_capacity',
    ]);
    time.advance(15_000);
    expect(await codeOf(prove(old))).toBe('proof_capacity');
    expect(await codeOf(prove())).toBe('accepted');
  });

  test('refuses when it is full, and forgets nothing early', async () => {
    const { prove, codeOf } = gate({ capacity: 5, quota: 100 });
    const used = Array.from({ length: 5 }, () => prove());
    for (const proof of used) expect(await codeOf(proof)).toBe('accepted');
    expect(await codeOf(prove())).toBe('proof_capacity');
    for (const proof of used) expect(await codeOf(proof)).toBe('proof_replayed');
  });
});
