import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leafHash, merkleRoot, nodeHash } from '../src/index.ts';

const { leaves, roots } = JSON.parse(readFileSync(new URL('vectors/rfc6962.json', import.meta.url), 'utf8')) as {
  leaves: string[];
  roots: string[];
};
const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

describe('RFC 6962 §2.1', () => {
  test.each(roots.map((root, size) => ({ size, root })))(
    'the root of $size leaves of the reference tree',
    ({ size, root }) => {
      const hashes = leaves.slice(0, size).map((leaf) => leafHash(Buffer.from(leaf, 'hex')));
      expect(merkleRoot(hashes).toString('hex')).toBe(root);
    },
  );

  test('leaves and nodes are hashed apart, so that a node cannot pass as a leaf', () => {
    const [a, b] = [leafHash(Buffer.from('a')), leafHash(Buffer.from('b'))];
    expect(nodeHash(a, b)).not.toEqual(leafHash(Buffer.concat([a, b])));
  });

  test('a leaf of any length, around the page of its first 4 KiB too, and a shorter one after it', () => {
    for (const length of [0, 1, 4094, 4095, 4096, 60_000, 3]) {
      const leaf = Buffer.alloc(length, length);
      expect(leafHash(leaf)).toEqual(sha256(Buffer.of(0), leaf));
    }
  });

  test('a node has no children but hashes: what is not 32 bytes long is a defect, not a hash', () => {
    const whole = leafHash(Buffer.from('a'));
    expect(() => nodeHash(whole.subarray(1), whole)).toThrow(RangeError);
    expect(() => nodeHash(whole, Buffer.concat([whole, whole]))).toThrow(RangeError);
  });

  test('equals the definition, which splits at the largest power of two below n, for any size', () => {
    const definition = (inputs: Uint8Array[]): Buffer => {
      if (inputs.length === 0) return sha256();
      if (inputs.length === 1) return sha256(Buffer.of(0), inputs[0]!);
      let k = 1;
      while (k * 2 < inputs.length) k *= 2;
      return sha256(Buffer.of(1), definition(inputs.slice(0, k)), definition(inputs.slice(k)));
    };
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 8 }), { maxLength: 70 }), (inputs) => {
        expect(merkleRoot(inputs.map(leafHash))).toEqual(definition(inputs));
      }),
    );
  });

  test('a leaf hash that is the root is a copy: writing to it does not change the leaf', () => {
    const leaf = leafHash(Buffer.from('only'));
    merkleRoot([leaf]).fill(0);
    expect(leaf).toEqual(leafHash(Buffer.from('only')));
  });
});
