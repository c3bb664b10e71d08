import { createMemoryReplayStore, type ReplayStore } from '@tallystick/dpop';
import { describe, expect, test } from 'vitest';
import { createReplayGuard } from '../src/replay-guard.ts';
import { generateHolderKey } from '@tallystick/dpop';
import { openApi, proofOf, refusalOf, requestWith } from './api.ts';
import { eventually } from './eventually.ts';
import { manualClock } from './manual-clock.ts';

/** A store that remembers what it was asked for. */
function recording(): { store: ReplayStore; asked: [key: string, ttlMs: number][] } {
  const asked: [string, number][] = [];
  const memory = createMemoryReplayStore();
  return {
    asked,
    store: {
      reserve(key, ttlMs) {
        asked.push([key, ttlMs]);
        return memory.reserve(key, ttlMs);
      },
    },
  };
}

describe('the replay store', () => {
  test('RFC 9449 §11.1: must remember a proof for as long as it can be accepted, and by how far clocks differ', () => {
    const { store } = recording();
    const guard = (lifeMs: number) => () =>
      createReplayGuard({ store, timers: manualClock(), acceptanceMs: 70_000, lifeMs });
    expect(guard(75_000)).not.toThrow();
    for (const lifeMs of [74_999, 0, Number.NaN]) expect(guard(lifeMs)).toThrow('verifier_misconfigured');
  });

  test.each([
    ['70 s and 5 s of skew', {}, 75_000],
    ['the window that is configured', { proofWindow: { pastSeconds: 300, futureSeconds: 60 } }, 365_000],
    ['the life of a nonce', { nonceSecret: new Uint8Array(32) }, 50_000],
  ])('is asked to remember for %s', async (_what, options, ttlMs) => {
    const { store, asked } = recording();
    const { verifier, key, token } = await openApi({ replayStore: store, ...options });
    const nonce = verifier.nonce();
    await verifier.verify(requestWith(token, proofOf(key, token, { nonce })));
    expect(asked).toEqual([[expect.stringMatching(new RegExp(`^${key.jkt}:`)), ttlMs]]);
  });

  test('is asked last: no request that is refused takes a place in it', async () => {
    const { store, asked } = recording();
    const { verifier, issuer, key, token } = await openApi({ replayStore: store });
    const thief = await generateHolderKey();
    const expired = await issuer.token(key.jkt, { claims: { exp: 1 } });
    for (const request of [
      requestWith(token, proofOf(thief, token)),
      requestWith(expired, proofOf(key, expired)),
      requestWith(token, proofOf(key, expired)),
      requestWith(token, proofOf(key, token, { method: 'PUT' })),
      requestWith(token, proofOf(key, token, { iat: 1 })),
    ]) {
      await refusalOf(verifier, request);
    }
    expect(asked).toEqual([]);
  });

  test('keeps the proofs of two keys apart, so that nobody can use up the jti of another', async () => {
    const { store, asked } = recording();
    const { verifier, issuer, key, token } = await openApi({ replayStore: store });
    const other = await generateHolderKey();
    const theirs = await issuer.token(other.jkt);
    await verifier.verify(requestWith(token, proofOf(key, token)));
    await verifier.verify(requestWith(theirs, proofOf(other, theirs)));
    expect(asked.map(([name]) => name.split(':')[0])).toEqual([key.jkt, other.jkt]);
  });

  test.each<[string, ReplayStore]>([
    [
      'throws',
      {
        reserve: () => {
          throw new Error('down');
        },
      },
    ],
    ['rejects', { reserve: () => Promise.reject(new Error('down')) }],
    ['is full', createMemoryReplayStore({ capacity: 0 })],
  ])('that %s lets nothing pass: 503', async (_how, replayStore) => {
    const { verifier, key, token } = await openApi({ replayStore });
    const refusal = await refusalOf(verifier, requestWith(token, proofOf(key, token)));
    expect(refusal).toMatchObject({
      status: 503,
      reason: 'replay_store_unavailable',
      code: 'replay_store_unavailable',
      error: 'temporarily_unavailable',
    });
    expect(refusal.body).not.toContain('down');
  });

  test('that does not answer lets nothing pass after 2 s: 503', async () => {
    const { promise: never } = Promise.withResolvers<boolean>();
    const { verifier, clock, key, token } = await openApi({ replayStore: { reserve: () => never } });
    const refusal = refusalOf(verifier, requestWith(token, proofOf(key, token)));
    await eventually(() => clock.waiting).toBe(1);
    clock.advance(2_000);
    expect((await refusal).reason).toBe('replay_store_unavailable');
  });

  test('that answers with anything but true lets nothing pass', async () => {
    for (const answer of ['OK', 1, {}, null, undefined]) {
      const { verifier, key, token } = await openApi({
        replayStore: { reserve: () => Promise.resolve(answer as never) },
      });
      expect((await refusalOf(verifier, requestWith(token, proofOf(key, token)))).reason).toBe('proof_replayed');
    }
  });

  test('that answers leaves no timer behind', async () => {
    const { verifier, clock, key, token } = await openApi({ replayStore: { reserve: () => Promise.resolve(true) } });
    await verifier.verify(requestWith(token, proofOf(key, token)));
    expect(clock.waiting).toBe(0);
  });
});
