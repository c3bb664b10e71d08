import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  proveConsistency,
  proveInclusion,
  readCompactRange,
  readRoot,
  tileHashReader,
  verifyConsistency,
  verifyInclusion,
} from '../../src/index.ts';
import { faultOf, faultOfAsync } from './fault-of.ts';
import { memoryLog, rootOf } from './memory-log.ts';

const log = memoryLog(70_000);
const sizes = fc.oneof(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 1, max: 1600 }));
const reader = (size: number) => tileHashReader(size, memoryLogOf(size).readTile);

/** A log of one size has the partial tiles of that size. */
const logs = new Map<number, ReturnType<typeof memoryLog>>();
function memoryLogOf(size: number): ReturnType<typeof memoryLog> {
  let made = logs.get(size);
  if (!made) logs.set(size, (made = memoryLog(size)));
  return made;
}

const flip = (bytes: Uint8Array, at: number, bit: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at % copy.length]! ^= 1 << bit;
  return copy;
};

describe('a proof made from tiles', () => {
  test('of inclusion verifies, and with any bit of proof, leaf or root flipped, or another index, is refused', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), fc.nat(), fc.nat(7), async (size, pick, at, bit) => {
        const index = pick % size;
        const root = rootOf(log, size);
        const leafHash = log.leafHashes[index]!;
        const proof = await proveInclusion(index, size, reader(size));
        const claim = { index, size, leafHash, proof, root };
        expect(faultOf(() => verifyInclusion(claim))).toBe('none');
        const spoiled = [
          { leafHash: flip(leafHash, at, bit) },
          { root: flip(root, at, bit) },
          { index: index + 1 },
          { index: index - 1 },
          { proof: [...proof, root] },
          ...proof.map((hash, i) => ({ proof: proof.with(i, flip(hash, at, bit)) })),
          ...(proof.length > 0 ? [{ proof: proof.slice(1) }, { proof: proof.slice(0, -1) }] : []),
        ];
        for (const change of spoiled) expect(faultOf(() => verifyInclusion({ ...claim, ...change }))).not.toBe('none');
      }),
      { numRuns: 60 },
    );
  });

  test('of consistency verifies, and with any bit of proof or roots flipped, or another earlier size, is refused', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), fc.nat(), fc.nat(7), async (size2, pick, at, bit) => {
        const size1 = 1 + (pick % size2);
        const [root1, root2] = [rootOf(log, size1), rootOf(log, size2)];
        const proof = await proveConsistency(size1, size2, reader(size2));
        const claim = { size1, size2, root1, root2, proof };
        expect(faultOf(() => verifyConsistency(claim))).toBe('none');
        const spoiled = [
          { root1: flip(root1, at, bit) },
          { root2: flip(root2, at, bit) },
          { proof: [...proof, root1] },
          { size1: size1 - 1 },
          { size1: size1 + 1 },
          ...proof.map((hash, i) => ({ proof: proof.with(i, flip(hash, at, bit)) })),
          ...(proof.length > 0 ? [{ proof: proof.slice(1) }, { proof: proof.slice(0, -1) }] : []),
        ];
        for (const change of spoiled) {
          expect(faultOf(() => verifyConsistency({ ...claim, ...change }))).not.toBe('none');
        }
      }),
      { numRuns: 60 },
    );
  });

  test('crosses three levels of tiles', async () => {
    const read = tileHashReader(log.size, log.readTile);
    for (const index of [0, 255, 256, 65_535, 65_536, 69_999]) {
      const proof = await proveInclusion(index, log.size, read);
      verifyInclusion({ index, size: log.size, leafHash: log.leafHashes[index]!, proof, root: log.root });
    }
    for (const size1 of [1, 256, 65_535, 65_536, 65_537, 69_999, 70_000]) {
      const proof = await proveConsistency(size1, log.size, read);
      verifyConsistency({ size1, size2: log.size, root1: rootOf(log, size1), root2: log.root, proof });
    }
  });

  test('of a whole log is its root, and its edge goes on appending', async () => {
    for (const size of [1, 2, 255, 256, 257, 1000]) {
      expect(await readRoot(size, reader(size))).toEqual(rootOf(log, size));
      const range = await readCompactRange(size, reader(size));
      range.append(log.leafHashes[size]!);
      expect(range.root()).toEqual(rootOf(log, size + 1));
    }
    expect(await readRoot(0, reader(1))).toEqual(rootOf(log, 0));
    expect((await readCompactRange(0, reader(1))).size).toBe(0);
  });

  test.each([
    ['a leaf that is not there', () => proveInclusion(5, 5, reader(5)), 'index'],
    ['a leaf of no tree', () => proveInclusion(0, 0, reader(5)), 'index'],
    ['a tree of half a leaf', () => proveInclusion(0, 0.5, reader(5)), 'size'],
    ['growth from nothing', () => proveConsistency(0, 5, reader(5)), 'size'],
    ['growth backwards', () => proveConsistency(5, 4, reader(5)), 'size'],
    ['a tree larger than the log', () => proveInclusion(5, 8, reader(6)), 'size'],
    ['a root larger than the log', () => readRoot(8, reader(6)), 'size'],
    ['a root of a size that JavaScript rounds', () => readRoot(2 ** 53, reader(6)), 'size'],
  ])('is not made of %s', async (_what, make, fault) => {
    expect(await faultOfAsync(make)).toBe(fault);
  });
});
