import type { ReplayStore } from '@tallystick/dpop';
import { describe, expect, test } from 'vitest';

/** What {@link replayStoreSuite} needs of a store. */
export interface SuiteStore {
  /** Two views of one store: two replicas, where it can be shared. */
  readonly stores: readonly [ReplayStore, ReplayStore];
  /** Lets time pass for the store. */
  pass(ms: number): void | Promise<void>;
  /** Milliseconds by which the store may keep a key for longer. */
  readonly graceMs: number;
}

/** The contract of every replay store (RFC 9449 §11.1). */
export function replayStoreSuite(name: string, open: () => SuiteStore | Promise<SuiteStore>): void {
  describe(`${name} as a replay store`, () => {
    test('gives a key to the first who asks, and to nobody after, at any replica', async () => {
      const { stores } = await open();
      expect(await stores[0].reserve('key', 60_000)).toBe(true);
      expect(await stores[0].reserve('key', 60_000)).toBe(false);
      expect(await stores[1].reserve('key', 60_000)).toBe(false);
    });

    test('gives a key once when many ask at the same time', async () => {
      const { stores } = await open();
      const asked = Array.from({ length: 50 }, async (_, i) => stores[i % 2]!.reserve('key', 60_000));
      expect((await Promise.all(asked)).filter(Boolean)).toHaveLength(1);
    });

    test('tells keys apart by their last character, whatever they are made of', async () => {
      const { stores } = await open();
      const keys = ['a', 'b', 'a ', 'A', 'a\0', 'ä', '\r\nSET x 1', `${'x'.repeat(300)}1`, `${'x'.repeat(300)}2`];
      for (const key of keys) expect(await stores[0].reserve(key, 60_000)).toBe(true);
      for (const key of keys) expect(await stores[1].reserve(key, 60_000)).toBe(false);
    });

    test('keeps a key for its time, and forgets it after', async () => {
      const { stores, pass, graceMs } = await open();
      await stores[0].reserve('key', 400);
      await pass(300);
      expect(await stores[0].reserve('key', 400)).toBe(false);
      await pass(graceMs + 150);
      expect(await stores[0].reserve('key', 400)).toBe(true);
    });
  });
}
