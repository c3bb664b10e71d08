import { nodeHash } from '@tallystick/core';
import { isCount } from './decimal.ts';
import { TlogError } from './tlog-error.ts';

/** The claim that a tree has grown from an earlier one, and its proof. */
export interface ConsistencyClaim {
  /** Number of leaves of the earlier tree. */
  readonly size1: number;
  /** Number of leaves of the later tree. */
  readonly size2: number;
  readonly root1: Uint8Array;
  readonly root2: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/**
 * Accepts a proof that the later tree begins with all leaves of the earlier one (RFC 9162 §2.1.4.2), or throws.
 *
 * An earlier size of 0 is refused: every tree grows from nothing, so such a proof says nothing. (To a witness a first
 * checkpoint comes without a proof; that is for its caller to know.)
 *
 * @throws {TlogError} `size`, `hash`, or `consistency`: the proof does not lead to both roots.
 */
export function verifyConsistency({ size1, size2, root1, root2, proof }: ConsistencyClaim): void {
  if (!isCount(size1) || !isCount(size2)) throw new TlogError('size', `trees have no sizes ${size1} and ${size2}`);
  if (size1 === 0) throw new TlogError('size', 'a proof of growth from an empty tree proves nothing');
  if (size1 > size2) throw new TlogError('size', `a tree of ${size1} leaves cannot grow to ${size2}`);
  if (size1 === size2) {
    if (proof.length !== 0) throw new TlogError('consistency', 'a proof between equal sizes is empty');
    if (Buffer.compare(root1, root2) !== 0) throw new TlogError('consistency', `two roots for the one size ${size1}`);
    return;
  }
  for (const each of [root1, root2, ...proof]) {
    if (each.length !== 32)
      throw new TlogError('hash', `a hash of a consistency proof has ${each.length} bytes, not 32`);
  }
  let node = size1 - 1;
  let last = size2 - 1;
  while (node % 2 === 1) {
    node = (node - 1) / 2;
    last = Math.floor(last / 2);
  }
  // With size1 a power of two, the earlier tree is a node of the later one, and its root begins the proof.
  const path = node === 0 ? [root1, ...proof] : proof;
  const [seed, ...siblings] = path;
  if (!seed) throw new TlogError('consistency', 'the consistency proof is empty');
  let found1 = seed;
  let found2 = seed;
  for (const sibling of siblings) {
    if (last === 0) throw new TlogError('consistency', 'the consistency proof is longer than the way to the root');
    if (node % 2 === 1 || node === last) {
      found1 = nodeHash(sibling, found1);
      found2 = nodeHash(sibling, found2);
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      found2 = nodeHash(found2, sibling);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  if (last !== 0) throw new TlogError('consistency', 'the consistency proof ends before the root');
  if (Buffer.compare(found1, root1) !== 0) {
    throw new TlogError('consistency', `the consistency proof leads to another root at size ${size1}`);
  }
  if (Buffer.compare(found2, root2) !== 0) {
    throw new TlogError('consistency', `the consistency proof leads to another root at size ${size2}`);
  }
}
