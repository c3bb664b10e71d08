import { hash } from 'node:crypto';

/**
 * Returns the hash of a leaf: SHA-256 of 0x00 and the leaf's bytes (RFC 6962 §2.1).
 */
export function leafHash(leaf: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([LEAF, leaf]), 'buffer');
}

/** Returns the hash of an inner node: SHA-256 of 0x01 and both children (RFC 6962 §2.1). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([NODE, left, right]), 'buffer');
}

/**
 * Returns the Merkle tree hash over leaf hashes, in their order (RFC 6962 §2.1). Of no leaves it is SHA-256 of
 * nothing.
 */
export function merkleRoot(leafHashes: readonly Uint8Array[]): Buffer {
  if (leafHashes.length === 0) return hash('sha256', '', 'buffer');
  return subtree(leafHashes, 0, leafHashes.length);
}

function subtree(hashes: readonly Uint8Array[], from: number, to: number): Buffer {
  const size = to - from;
  if (size === 1) return Buffer.from(hashes[from]!);
  // The largest power of two below the size.
  const split = from + (1 << (31 - Math.clz32(size - 1)));
  return nodeHash(subtree(hashes, from, split), subtree(hashes, split, to));
}

const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);
