import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createNonceSource, type NonceSource } from '../src/index.ts';

const STEP = 15_000;
const secret = Buffer.alloc(32, 7);

function source(
  over: { secret?: Uint8Array; realm?: string; startMs?: number; stepMs?: number } = {},
): NonceSource & { at(ms: number): NonceSource } {
  let nowMs = over.startMs ?? 0;
  const made = createNonceSource({
    secret: over.secret ?? secret,
    realm: over.realm ?? 'token',
    clock: { nowMs: () => nowMs },
    ...(over.stepMs !== undefined && { stepMs: over.stepMs }),
  });
  return Object.assign(made, {
    at(ms: number) {
      nowMs = ms;
      return made;
    },
  });
}

describe('RFC 9449 §8: a nonce', () => {
  test('is of its grammar (§8.1), 144 bits, and the same within a step', () => {
    const nonces = source();
    expect(nonces.at(0).current()).toMatch(/^[A-Za-z0-9_-]{24}$/);
    expect(nonces.at(STEP - 1).current()).toBe(nonces.at(0).current());
  });

  test('is another one in every step, for every secret and realm', () => {
    const at = (s: ReturnType<typeof source>, step: number): string => s.at(step * STEP).current();
    const one = source();
    const all = new Set([
      ...Array.from({ length: 50 }, (_, step) => at(one, step)),
      at(source({ secret: Buffer.alloc(32, 8) }), 0),
      at(source({ realm: 'other' }), 0),
      at(source({ realm: 'token\u00000' }), 0),
    ]);
    expect(all.size).toBe(53);
  });

  test('is accepted in its own step and in the one after, so for 15 to 30 s', () => {
    const nonces = source();
    const nonce = nonces.at(10 * STEP).current();
    expect(nonces.at(10 * STEP).stepOf(nonce)).toBe(10);
    expect(nonces.at(12 * STEP - 1).stepOf(nonce)).toBe(10);
    expect(nonces.at(12 * STEP).stepOf(nonce)).toBeUndefined();
  });

  test('of the next step is accepted: the clock of another server with the same secret may be ahead by one', () => {
    expect(source({ startMs: 9 * STEP }).stepOf(source({ startMs: 10 * STEP }).current())).toBe(10);
    expect(source({ startMs: 8 * STEP }).stepOf(source({ startMs: 10 * STEP }).current())).toBeUndefined();
  });

  test('is accepted for no longer than windowMs, which a store of used proofs can count on', () => {
    const nonces = source({ stepMs: 1000 });
    expect(nonces.windowMs).toBe(3000);
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(5000), (t, later) => {
        const ahead = source({ stepMs: 1000, startMs: t + 1000 }).current();
        const accepted = source({ stepMs: 1000, startMs: t + later }).stepOf(ahead) !== undefined;
        if (accepted) expect(later).toBeLessThan(nonces.windowMs);
      }),
    );
  });

  test('says its step, by which used proofs are kept', () => {
    const nonces = source();
    expect(nonces.at(7 * STEP).currentStep()).toBe(7);
    expect(nonces.stepOf(nonces.current())).toBe(7);
  });

  test.each(['', 'A'.repeat(24), 'A'.repeat(100_000), '\u0000', 'é'])(
    'that was never handed out (%#) is not accepted',
    (nonce) => {
      expect(source().stepOf(nonce)).toBeUndefined();
    },
  );

  test('changed in any character is not accepted', () => {
    const nonces = source();
    const nonce = nonces.current();
    for (let i = 0; i < nonce.length; i++) {
      expect(nonces.stepOf(nonce.slice(0, i) + (nonce[i] === 'A' ? 'B' : 'A') + nonce.slice(i + 1))).toBeUndefined();
    }
    expect(nonces.stepOf(nonce.slice(1))).toBeUndefined();
    expect(nonces.stepOf(`${nonce}A`)).toBeUndefined();
  });
});

describe('a restart', () => {
  test('with a new secret accepts nothing from before', () => {
    const before = source({ startMs: 5 * STEP }).current();
    expect(source({ startMs: 5 * STEP, secret: Buffer.alloc(32, 9) }).stepOf(before)).toBeUndefined();
  });

  test('with the same secret accepts what another replica handed out', () => {
    expect(source({ startMs: 5 * STEP + 3 }).stepOf(source({ startMs: 5 * STEP }).current())).toBe(5);
  });

  test('the secret is copied: overwriting it later changes nothing', () => {
    const bytes = Buffer.alloc(32, 3);
    const nonces = source({ secret: bytes });
    const nonce = nonces.current();
    bytes.fill(0);
    expect(nonces.at(STEP).stepOf(nonce)).toBe(0);
    expect(nonces.at(STEP).current()).not.toBe(source({ secret: bytes, startMs: STEP }).current());
  });
});

describe('a clock that is set back', () => {
  test('brings no step back: what was refused as old stays refused', () => {
    const nonces = source();
    const old = nonces.at(10 * STEP).current();
    expect(nonces.at(50 * STEP).stepOf(old)).toBeUndefined();
    expect(nonces.at(10 * STEP).stepOf(old)).toBeUndefined();
    expect(nonces.currentStep()).toBe(50);
  });

  test('stands still at the step it had reached, and goes on from there', () => {
    const nonces = source();
    const nonce = nonces.at(50 * STEP).current();
    expect(nonces.at(0).current()).toBe(nonce);
    expect(nonces.stepOf(nonce)).toBe(50);
    expect(nonces.at(51 * STEP).currentStep()).toBe(51);
  });

  test('steps never go back, and once refused is refused for good, under any clock', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100 * STEP), { minLength: 2, maxLength: 30 }), (times) => {
        const nonces = source();
        const seen = new Set<string>();
        const dead = new Set<string>();
        let step = -1;
        for (const ms of times) {
          seen.add(nonces.at(ms).current());
          expect(nonces.currentStep()).toBeGreaterThanOrEqual(step);
          step = nonces.currentStep();
          for (const nonce of seen) {
            if (nonces.stepOf(nonce) === undefined) dead.add(nonce);
            else expect(dead.has(nonce)).toBe(false);
          }
        }
      }),
    );
  });
});

test.each([
  ['a secret of 31 bytes', { secret: Buffer.alloc(31) }],
  ['no secret', { secret: new Uint8Array() }],
  ['steps of nothing', { stepMs: 0 }],
  ['steps back', { stepMs: -1 }],
  ['steps of no length', { stepMs: Number.NaN }],
])('%s is refused', (_what, over) => {
  expect(() => source(over)).toThrow(TypeError);
});
