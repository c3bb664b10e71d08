import { hash } from 'node:crypto';
import { nodeHash } from '@tallystick/core';
import { isCount } from './decimal.ts';
import { TlogError } from './tlog-error.ts';

const HASH = 32;
/** A tree of 2^53 - 1 leaves has 53 nodes on its right edge. */
const HEIGHTS = 53;

/**
 * The right edge of a Merkle tree (RFC 6962 §2.1): what is needed to append leaves and to know the root, in a space
 * that does not grow with the log. An append costs one node hash on average and allocates nothing.
 */
export class CompactRange {
  /** The root of the complete subtree of 2^height leaves, at height * 32; of use where bit `height` of the size is set. */
  readonly #edge = Buffer.alloc(HEIGHTS * HASH);
  readonly #node = Buffer.alloc(1 + 2 * HASH, 1);
  #size = 0;

  /**
   * Returns the range of a tree whose right edge is known.
   *
   * @param edge As {@link CompactRange.edge} returned it.
   * @throws {TlogError} `size`: no such size, or not as many hashes as a tree of that size has; `hash`: one is not 32
   *   bytes long.
   */
  static restore(size: number, edge: readonly Uint8Array[]): CompactRange {
    const range = new CompactRange();
    if (!isCount(size)) throw new TlogError('size', `a tree has no size ${size}`);
    const heights = heightsOfEdge(size);
    if (edge.length !== heights.length) {
      throw new TlogError(
        'size',
        `a tree of ${size} leaves has ${heights.length} hashes on its edge, not ${edge.length}`,
      );
    }
    heights.forEach((height, i) => range.#edge.set(checkHash(edge[i]!), height * HASH));
    range.#size = size;
    return range;
  }

  /** The number of leaves. */
  get size(): number {
    return this.#size;
  }

  /**
   * Appends the hash of one leaf, which is copied.
   *
   * @throws {TlogError} `hash`: it is not 32 bytes long.
   */
  append(leafHash: Uint8Array): void {
    const node = this.#node;
    node.set(checkHash(leafHash), 1 + HASH);
    let height = 0;
    // The right child is in its place already: each round puts the left one before it and hashes both.
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      this.#edge.copy(node, 1, height * HASH, (height + 1) * HASH);
      node.write(hash('sha256', node, 'binary'), 1 + HASH, 'binary');
      height += 1;
    }
    node.copy(this.#edge, height * HASH, 1 + HASH);
    this.#size += 1;
  }

  /** Returns the root of the tree; of an empty one SHA-256 of nothing. */
  root(): Buffer {
    const edge = this.edge();
    let root = edge.pop();
    if (!root) return hash('sha256', '', 'buffer');
    for (let left = edge.pop(); left; left = edge.pop()) root = nodeHash(left, root);
    return root;
  }

  /** Returns copies of the roots of the complete subtrees that make up the tree, the largest first. */
  edge(): Buffer[] {
    return heightsOfEdge(this.#size).map((height) =>
      Buffer.from(this.#edge.subarray(height * HASH, (height + 1) * HASH)),
    );
  }
}

/** Returns the bits that are set in a size, the highest first. */
function heightsOfEdge(size: number): number[] {
  const heights: number[] = [];
  for (let height = 0, rest = size; rest > 0; height += 1, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) heights.unshift(height);
  }
  return heights;
}

function checkHash(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== HASH) throw new TlogError('hash', `a hash has 32 bytes, not ${bytes.length}`);
  return bytes;
}
