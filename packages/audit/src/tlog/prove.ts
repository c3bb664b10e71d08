import { merkleRoot, nodeHash } from '@tallystick/core';
import { CompactRange } from './compact-range.ts';
import { isCount } from './decimal.ts';
import { TlogError } from './tlog-error.ts';
import { consistencyRanges, inclusionRanges, nodesOfRange, type LeafRange, type TreeNode } from './tree-ranges.ts';

/**
 * Returns the hashes of complete nodes, in the order in which they are asked for. What it returns is believed: a
 * proof made from bad hashes is a bad proof, which {@link verifyInclusion} and {@link verifyConsistency} refuse.
 */
export type HashReader = (nodes: readonly TreeNode[]) => Promise<readonly Uint8Array[]>;

/**
 * Returns the inclusion proof of a leaf in the tree of the first `size` leaves, the leaf's sibling first
 * (RFC 9162 §2.1.3.1).
 *
 * @throws {TlogError} `size` or `index`.
 */
export async function proveInclusion(index: number, size: number, read: HashReader): Promise<Uint8Array[]> {
  if (!isCount(size)) throw new TlogError('size', `a tree has no size ${size}`);
  if (!isCount(index) || index >= size) throw new TlogError('index', `a tree of ${size} leaves has no leaf ${index}`);
  return hashesOf(inclusionRanges(index, size), read);
}

/**
 * Returns the proof that the tree of the first `size2` leaves has grown from that of the first `size1`
 * (RFC 9162 §2.1.4.1). Between equal sizes it is empty.
 *
 * @throws {TlogError} `size`: not 0 < size1 <= size2.
 */
export async function proveConsistency(size1: number, size2: number, read: HashReader): Promise<Uint8Array[]> {
  if (!isCount(size1) || !isCount(size2) || size1 === 0 || size1 > size2) {
    throw new TlogError('size', `no tree of ${size1} leaves grows to ${size2}`);
  }
  return hashesOf(consistencyRanges(size1, size2), read);
}

/** Returns the root of the tree of the first `size` leaves, from as few nodes as its edge has. */
export async function readRoot(size: number, read: HashReader): Promise<Uint8Array> {
  if (size === 0) return merkleRoot([]);
  if (!isCount(size)) throw new TlogError('size', `a tree has no size ${size}`);
  const [root] = await hashesOf([{ from: 0, to: size }], read);
  return root!;
}

/** Returns the range that appends after the first `size` leaves. */
export async function readCompactRange(size: number, read: HashReader): Promise<CompactRange> {
  if (!isCount(size)) throw new TlogError('size', `a tree has no size ${size}`);
  return CompactRange.restore(size, await read(nodesOfRange({ from: 0, to: size })));
}

/** One question for all ranges, so that a reader fetches each tile once. */
async function hashesOf(ranges: readonly LeafRange[], read: HashReader): Promise<Uint8Array[]> {
  const nodes = ranges.map(nodesOfRange);
  const hashes = (await read(nodes.flat())).values();
  return nodes.map((parts) => {
    const found = parts.map((): Uint8Array => hashes.next().value!);
    return found.reduceRight((right, left) => nodeHash(left, right));
  });
}
