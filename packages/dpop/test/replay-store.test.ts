import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf, DigestTable } from '../src/digest-table.ts';
import { createMemoryReplayStore, DigestSet, type ReplayStore } from '../src/index.ts';

function store(
  capacity?: number,
): ReplayStore & { at(ms: number): ReplayStore; reserve(key: string, ttlMs: number): boolean } {
  let nowMs = 0;
  const made = createMemoryReplayStore({
    clock: { monotonicMs: () => nowMs, nowMs: () => 1_700_000_000_000 + nowMs },
    ...(capacity !== undefined && { capacity }),
  });
  return Object.assign(made as ReplayStore & { reserve(key: string, ttlMs: number): boolean }, {
    at(ms: number) {
      nowMs = ms;
      return made;
    },
  });
}

describe('memory replay store', () => {
  test('a key is free once, until its time is over', () => {
    const one = store();
    expect(one.reserve('a', 80_000)).toBe(true);
    expect(one.reserve('a', 80_000)).toBe(false);
    expect(one.at(80_000).reserve('a', 80_000)).toBe(false);
    expect(one.at(95_000).reserve('a', 80_000)).toBe(true);
  });

  test('nothing is forgotten early, and nothing kept for more than 15 s too long: as a Map would, under a moving clock', () => {
    const step = fc.record({
      passMs: fc.nat(40_000),
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      ttlMs: fc.integer({ min: 1, max: 120_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const one = store();
        const until = new Map<string, number>();
        let nowMs = 0;
        for (const { passMs, key, ttlMs } of steps) {
          nowMs += passMs;
          const free = one.at(nowMs).reserve(key, ttlMs);
          const held = until.get(key) ?? Number.NEGATIVE_INFINITY;
          if (nowMs <= held) expect(free).toBe(false);
          if (nowMs > held + 15_000) expect(free).toBe(true);
          if (free) until.set(key, nowMs + ttlMs);
        }
      }),
      { numRuns: 300 },
    );
  });

  describe('a wall clock that jumps makes no used proof good again', () => {
    const hands = { nowMs: 1_700_000_000_000, monotonicMs: 5 };
    const one = createMemoryReplayStore({ clock: { nowMs: () => hands.nowMs, monotonicMs: () => hands.monotonicMs } });
    const pass = (ms: number): void => {
      hands.nowMs += ms;
      hands.monotonicMs += ms;
    };

    test('ahead: until the time of the machine has passed too', () => {
      expect(one.reserve('a', 60_000)).toBe(true);
      hands.nowMs += 86_400_000;
      expect(one.reserve('a', 60_000)).toBe(false);
      pass(60_000);
      expect(one.reserve('a', 60_000)).toBe(false);
      pass(16_000);
      expect(one.reserve('a', 60_000)).toBe(true);
    });

    test('back, by more than the memory: until the wall clock has passed that time again', () => {
      expect(one.reserve('b', 60_000)).toBe(true);
      pass(1_000);
      hands.nowMs -= 600_000;
      pass(120_000);
      expect(one.reserve('other', 60_000)).toBe(true);
      expect(one.reserve('b', 60_000)).toBe(false);
      pass(538_000);
      expect(one.reserve('b', 60_000)).toBe(false);
      pass(2_000);
      expect(one.reserve('b', 60_000)).toBe(true);
    });
  });

  test('full: refuses what it does not know, still knows what it has, and has room again when time has passed', () => {
    const one = store(3);
    for (const key of ['a', 'b', 'c']) expect(one.reserve(key, 10_000)).toBe(true);
    expect(() => one.reserve('d', 10_000)).toThrow(
      expect.objectContaining({ code: 'replay_store_unavailable', retryable: true }),
    );
    expect(one.reserve('a', 10_000)).toBe(false);
    expect(one.at(15_000).reserve('d', 10_000)).toBe(true);
    expect(one.reserve('a', 10_000)).toBe(true);
  });

  test('the capacity counts keys of all ages, whenever each expires', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(20_000), fc.integer({ min: 1, max: 100_000 })), { maxLength: 40 }),
        (steps) => {
          const one = store(5);
          const held: number[] = [];
          let nowMs = 0;
          let refused = false;
          for (const [i, [passMs, ttlMs]] of steps.entries()) {
            nowMs += passMs;
            const live = held.filter((generation) => generation >= Math.floor(nowMs / 15_000)).length;
            try {
              expect(one.at(nowMs).reserve(`key ${i}`, ttlMs)).toBe(true);
              expect(live).toBeLessThan(5);
              held.push(Math.floor((nowMs + ttlMs) / 15_000));
            } catch (error) {
              if ((error as { code?: string }).code !== 'replay_store_unavailable') throw error;
              expect(live).toBe(5);
              refused = true;
            }
          }
          if (refused) expect(held.length).toBeGreaterThanOrEqual(5);
        },
      ),
      { numRuns: 200 },
    );
  });

  test.each([0, -1, Number.NaN, Infinity])(
    'a time of %d ms is refused: it would be forgotten at once, or never',
    (ttlMs) => {
      expect(() => store().reserve('a', ttlMs)).toThrow(RangeError);
    },
  );

  test('two stores do not share keys', () => {
    expect(store().reserve('a', 1)).toBe(true);
    expect(store().reserve('a', 1)).toBe(true);
  });

  test('keys that differ anywhere are different keys', () => {
    const one = store();
    const keys = ['', ' ', 'a', 'A', 'a ', 'a\u0000', 'é', 'e\u0301', 'x'.repeat(10_000), `${'x'.repeat(9999)}y`];
    for (const key of keys) expect(one.reserve(key, 1)).toBe(true);
  });
});

describe('DigestSet', () => {
  test('holds what was added and nothing else, as a Set does, past every doubling', () => {
    const operation = fc.tuple(fc.constantFrom('add', 'has'), fc.nat(600));
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 2000, size: 'max' }), fc.string(), (operations, prefix) => {
        const [digests, model] = [new DigestSet(prefix, 400), new Set<string>()];
        for (const [what, n] of operations) {
          const value = `value ${n}`;
          if (what === 'has') {
            expect(digests.has(value)).toBe(model.has(value));
            continue;
          }
          const expected = model.has(value) ? 'present' : model.size >= 400 ? 'full' : 'added';
          expect(digests.add(value)).toBe(expected);
          if (expected === 'added') model.add(value);
          expect(digests.size).toBe(model.size);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('takes 32 to 64 bytes an entry, whatever the length of the text, and 4 kB empty', () => {
    const set = new DigestSet('p', 1_000_000);
    expect(set.byteLength).toBe(4096);
    for (let n = 1; n <= 20_000; n++) {
      set.add(`${n} ${'x'.repeat(n % 300)}`);
      if (n >= 128) expect(set.byteLength / n >= 32 && set.byteLength / n <= 64.6).toBe(true);
    }
    for (let n = 1; n <= 20_000; n++) if (!set.has(`${n} ${'x'.repeat(n % 300)}`)) throw new Error(`lost ${n}`);
    expect(set.has('20001 ')).toBe(false);
  });

  test('at its limit knows what it has and takes no more', () => {
    const set = new DigestSet('p', 0);
    expect(set.add('a')).toBe('full');
    expect(set.has('a')).toBe(false);
    expect(set.size).toBe(0);
  });

  test('the prefix changes every digest: nobody who does not know it can aim two values at one slot', () => {
    const [one, two] = ['one', 'two'].map((prefix) =>
      Array.from({ length: 200 }, (_, n) => digestOf(prefix, `v${n}`).join()),
    );
    expect(new Set([...one!, ...two!]).size).toBe(400);
    for (const digest of [...one!, ...two!]) expect(Number(digest.split(',')[0]) % 2).toBe(1);
  });
});

test('DigestTable tells two digests apart that differ in one word alone, also in one slot', () => {
  const table = new DigestTable(10);
  const digest = Uint32Array.of(1, 2, 3, 4);
  expect(table.add(digest)).toBe('added');
  for (const word of [0, 1, 2, 3]) {
    const other = digest.map((value, i) => (i === word ? value + 256 : value));
    expect(table.has(other)).toBe(false);
    expect(table.add(other)).toBe('added');
    expect(table.add(other)).toBe('present');
  }
  expect(table.size).toBe(5);
});
