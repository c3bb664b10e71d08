import { nodeHash } from '@tallystick/core';
import { isCount } from './decimal.ts';
import { TlogError } from './tlog-error.ts';

/** The claim that a leaf is in a tree, and its proof. */
export interface InclusionClaim {
  /** Position of the leaf, from 0. */
  readonly index: number;
  /** Number of leaves of the tree. */
  readonly size: number;
  readonly leafHash: Uint8Array;
  /** The siblings on the way to the root, the leaf's own first. */
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/**
 * Accepts a proof that a leaf is at an index of a tree (RFC 9162 §2.1.3.2), or throws. Leaf and root have to be 32
 * bytes long, which the RFC leaves to its reader.
 *
 * @throws {TlogError} `hash`, `size`, `index`, or `inclusion`: the proof does not lead from the leaf to the root.
 */
export function verifyInclusion({ index, size, leafHash, proof, root }: InclusionClaim): void {
  if (!isCount(size)) throw new TlogError('size', `a tree has no size ${size}`);
  if (!isCount(index) || index >= size) throw new TlogError('index', `a tree of ${size} leaves has no leaf ${index}`);
  for (const each of [leafHash, root, ...proof]) {
    if (each.length !== 32)
      throw new TlogError('hash', `a hash of an inclusion proof has ${each.length} bytes, not 32`);
  }
  let node = index;
  let last = size - 1;
  let found: Uint8Array = leafHash;
  for (const sibling of proof) {
    if (last === 0) throw new TlogError('inclusion', 'the inclusion proof is longer than the way to the root');
    if (node % 2 === 1 || node === last) {
      found = nodeHash(sibling, found);
      // A last node that is a left child has no sibling: it rises until it is a right one.
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      found = nodeHash(found, sibling);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  if (last !== 0) throw new TlogError('inclusion', 'the inclusion proof ends before the root');
  if (Buffer.compare(found, root) !== 0) {
    throw new TlogError('inclusion', `the inclusion proof of leaf ${index} leads to another root`);
  }
}
