import { createHash } from 'node:crypto';

/**
 * Returns the hash of a leaf: SHA-256 of 0x00 and the leaf's bytes (RFC 6962 §2.1).
 */
export function leafHash(leaf: Uint8Array): Buffer {
  return createHash('sha256').update(LEAF).update(leaf).digest();
}

/** Returns the hash of an inner node: SHA-256 of 0x01 and both children (RFC 6962 §2.1). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256').update(NODE).update(left).update(right).digest();
}

/**
 * Returns the Merkle tree hash over leaf hashes, in their order (RFC 6962 §2.1). Of no leaves it is SHA-256 of
 * nothing.
 */
export function merkleRoot(leafHashes: readonly Uint8Array[]): Buffer {
  if (leafHashes.length === 0) return createHash('sha256').digest();
  return subtree(leafHashes, 0, leafHashes.length);
}

function subtree(hashes: readonly Uint8Array[], from: number, to: number): Buffer {
  const size = to - from;
  if (size === 1) return Buffer.from(hashes[from]!);
  const split = from + 2 ** Math.floor(Math.log2(size - 1));
  return nodeHash(subtree(hashes, from, split), subtree(hashes, split, to));
}

const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);
