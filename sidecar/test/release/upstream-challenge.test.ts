import { systemRandom, TallystickError } from '@tallystick/core';
import { createProof, generateHolderKey, type ProofRequest } from '@tallystick/dpop';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UpstreamProofRequired } from '../../src/providers/upstream-proof-required.ts';
import {
  CHALLENGE_MS,
  createUpstreamChallenges,
  UpstreamProofAsked,
  type Challenged,
} from '../../src/release/upstream-challenge.ts';
import { handmadeProof } from '../handmade-proof.ts';
import { manualTime } from '../manual-time.ts';

const HTU = 'https://sso.acme.example/realms/prod/token';
const [KEY, HOLDER] = [await generateHolderKey(), await generateHolderKey()];
const BATCH: Challenged = { identity: 'spiffe://acme.example/close-batch', credential: 'erp-api', jkt: HOLDER.jkt };

function challenges() {
  const time = manualTime();
  const made = createUpstreamChallenges({ clock: time, random: systemRandom });
  const required = new UpstreamProofRequired(HTU, 'nonce-1');
  const prove = (members: Partial<ProofRequest> = {}, key = KEY): string =>
    createProof(key, { method: 'POST', url: HTU, iat: time.nowMs() / 1000, nonce: 'nonce-1', ...members });
  const ask = (who = BATCH): string => made.ask(required, who).ask.challenge;
  const judge = (challenge: string, proof: string, who = BATCH, wanted = required): Promise<string> =>
    made.judge({ challenge, proof }, wanted, who);
  /** What a judgement says: the code, and of a proof that is refused the rule. */
  const verdict = (...parts: Parameters<typeof judge>): Promise<string> =>
    judge(...parts).then(
      () => 'accepted',
      (error: unknown) =>
        (TallystickError.is(error) ? `${error.code} ${(error as { fault?: string }).fault ?? ''}` : 'not ours').trim(),
    );
  return { time, made, required, prove, ask, judge, verdict };
}

describe('an ask for a proof', () => {
  test('names method, token endpoint and nonce, and carries a challenge', () => {
    const { made, required } = challenges();
    const asked = made.ask(required, BATCH);
    expect(asked).toMatchObject({
      code: 'upstream_proof_required',
      ask: { htm: 'POST', htu: HTU, nonce: 'nonce-1', challenge: expect.stringMatching(/^\d+\.[\w-]{43}$/) as string },
    });
    expect(asked.message).not.toContain(asked.ask.challenge);
  });

  test('is answered by a proof for that endpoint, which is handed on unchanged', async () => {
    const { prove, ask, judge } = challenges();
    const proof = prove();
    expect(await judge(ask(), proof)).toBe(proof);
  });

  test('is good where the server has given no nonce, for a proof without one', async () => {
    const { made, verdict, prove } = challenges();
    const required = new UpstreamProofRequired(HTU, undefined);
    const { challenge } = made.ask(required, BATCH).ask;
    expect(await verdict(challenge, prove({ nonce: undefined }), BATCH, required)).toBe('accepted');
  });
});

describe('a challenge', () => {
  test('is good until its 30 s are over, by a clock that nobody sets back', async () => {
    const { time, prove, ask, verdict } = challenges();
    const challenge = ask();
    time.advance(CHALLENGE_MS - 1);
    expect(await verdict(challenge, prove())).toBe('accepted');
    time.advance(1);
    time.jump(-CHALLENGE_MS);
    expect(await verdict(challenge, prove())).toBe('upstream_proof_required');
  });

  test.each<[string, Partial<Challenged>]>([
    ['identity', { identity: 'spiffe://acme.example/other' }],
    ['credential', { credential: 'payroll-api' }],
    ['key', { jkt: 'another-key' }],
  ])('of another %s is not taken: a new one is asked for', async (_what, members) => {
    const { prove, ask, verdict } = challenges();
    expect(await verdict(ask({ ...BATCH, ...members }), prove())).toBe('upstream_proof_required');
  });

  test('of another nonce is not taken: the proof must have the nonce that was asked for', async () => {
    const { prove, ask, verdict } = challenges();
    expect(await verdict(ask(), prove({ nonce: 'nonce-2' }))).toBe('upstream_proof_required');
    expect(await verdict(ask(), prove({ nonce: undefined }))).toBe('upstream_proof_required');
  });

  test('of another token endpoint is not taken, although the proof is for the present one', async () => {
    const { made, prove, verdict } = challenges();
    const { challenge } = made.ask(new UpstreamProofRequired('https://old.acme.example/token', 'nonce-1'), BATCH).ask;
    expect(await verdict(challenge, prove())).toBe('upstream_proof_required');
  });

  test('of an earlier run is not taken', async () => {
    const { ask } = challenges();
    const { prove, verdict } = challenges();
    expect(await verdict(ask(), prove())).toBe('upstream_proof_required');
  });

  test('is not taken when it is changed anywhere, or is no challenge at all', async () => {
    const { ask, verdict, prove } = challenges();
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.nat(200), fc.constant('')), async (change) => {
        const good = ask();
        const at = typeof change === 'number' ? change % good.length : 0;
        const changed =
          typeof change === 'number' ? good.slice(0, at) + (good[at] === '1' ? '2' : '1') + good.slice(at + 1) : change;
        // The last character of a MAC has two bits that mean nothing.
        fc.pre(at < good.length - 1 && changed !== good);
        expect(await verdict(changed, prove())).toBe('upstream_proof_required');
      }),
      { numRuns: 60 },
    );
  });

  test('asks anew with a challenge that is good', async () => {
    const { prove, ask, judge, verdict } = challenges();
    const error: unknown = await judge(ask({ ...BATCH, credential: 'other' }), prove()).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(UpstreamProofAsked);
    expect(await verdict((error as UpstreamProofAsked).ask.challenge, prove())).toBe('accepted');
  });
});

describe('a proof for an authorization server', () => {
  test('is good once, whatever challenge it comes with', async () => {
    const { prove, ask, verdict } = challenges();
    const proof = prove();
    const challenge = ask();
    expect(await verdict(challenge, proof)).toBe('accepted');
    expect(await verdict(challenge, proof)).toBe('proof_replayed replayed');
    expect(await verdict(ask(), proof)).toBe('proof_replayed replayed');
  });

  test('is remembered for as long as its time would let it in', async () => {
    const { time, prove, ask, verdict } = challenges();
    const proof = prove({ iat: time.nowMs() / 1000 + 10 });
    expect(await verdict(ask(), proof)).toBe('accepted');
    for (let seconds = 0; seconds < 69; seconds += 3) {
      expect(await verdict(ask(), proof)).toBe('proof_replayed replayed');
      time.advance(3000);
    }
    time.advance(3000);
    expect(await verdict(ask(), proof)).toBe('invalid_proof iat');
  });

  test.each<[string, string, Partial<ProofRequest>]>([
    ['another server', 'htu', { url: 'https://evil.example/realms/prod/token' }],
    ['another path', 'htu', { url: 'https://sso.acme.example/realms/prod/introspect' }],
    ['another method', 'htm', { method: 'GET' }],
    ['an access token', 'ath', { accessToken: 'a-token' }],
  ])('for %s is refused', async (_what, fault, members) => {
    const { prove, ask, verdict } = challenges();
    expect(await verdict(ask(), prove(members))).toBe(`invalid_proof ${fault}`);
  });

  test('is refused when its time is more than 60 s past, or more than 10 s ahead', async () => {
    const { time, prove, ask, verdict } = challenges();
    const now = time.nowMs() / 1000;
    expect(await verdict(ask(), prove({ iat: now - 62 }))).toBe('invalid_proof iat');
    expect(await verdict(ask(), prove({ iat: now + 12 }))).toBe('invalid_proof iat');
    expect(await verdict(ask(), prove({ iat: now - 59 }))).toBe('accepted');
  });

  test('by the key that asks the sidecar is refused: each server has a key of its own', async () => {
    const { prove, ask, verdict } = challenges();
    expect(await verdict(ask(), prove({}, HOLDER))).toBe('invalid_proof key');
  });

  test('that is malformed, or signed by another key than it shows, is refused', async () => {
    const { time, ask, prove, verdict } = challenges();
    expect(await verdict(ask(), 'no proof')).toBe('invalid_proof malformed');
    const [header, claims] = prove().split('.');
    const [, , signature] = prove({}, HOLDER).split('.');
    expect(await verdict(ask(), `${header}.${claims}.${signature}`)).toBe('invalid_proof signature');
    const odd = handmadeProof(KEY, {
      jti: 'j',
      htm: 'POST',
      htu: `${HTU}\\`,
      iat: time.nowMs() / 1000,
      nonce: 'nonce-1',
    });
    expect(await verdict(ask(), odd)).toBe('invalid_proof htu');
  });

  test('that is refused is not used up', async () => {
    const { prove, ask, verdict } = challenges();
    const proof = prove();
    expect(await verdict(ask({ ...BATCH, jkt: 'another-key' }), proof)).toBe('upstream_proof_required');
    expect(await verdict(ask(), proof)).toBe('accepted');
  });
});
