import { describe, expect, test } from 'vitest';
import { systemRandom } from '../src/index.ts';

describe("the machine's random bytes", () => {
  test('are as many as asked for, whatever the length', () => {
    for (const length of [0, 1, 10, 16, 31, 32, 33, 64, 2047, 2048, 2049, 100_000]) {
      expect(systemRandom.bytes(length)).toHaveLength(length);
    }
  });

  test('are never handed out twice', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 5000; i++) {
      const bytes = systemRandom.bytes(10);
      // What the caller does with them is its own.
      seen.add(Buffer.from(bytes).toString('hex'));
      bytes.fill(0xff);
    }
    expect(seen.size).toBe(5000);
    expect(seen).not.toContain('f'.repeat(20));
    expect(seen).not.toContain('0'.repeat(20));
  });

  test('have every value in every place', () => {
    const places = Array.from({ length: 12 }, () => new Set<number>());
    for (let i = 0; i < 5000; i++) systemRandom.bytes(12).forEach((byte, place) => places[place]!.add(byte));
    for (const values of places) expect(values.size).toBe(256);
  });

  test('do not share memory: neither with each other nor with what is drawn later', () => {
    const [one, two] = [systemRandom.bytes(16), systemRandom.bytes(16)];
    expect(one.buffer).not.toBe(two.buffer);
    expect(one.buffer.byteLength).toBe(16);
  });
});
