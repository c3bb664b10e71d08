/** A node of the tree: the Merkle tree hash of the 2^height leaves that start at index * 2^height. */
export interface TreeNode {
  readonly height: number;
  readonly index: number;
}

/** Leaves from `from` up to, but without, `to`. */
export interface LeafRange {
  readonly from: number;
  readonly to: number;
}

/** Returns the largest power of two below `count`, at which RFC 6962 §2.1 splits a tree of that many leaves. */
export function splitOf(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}

/**
 * Returns the complete nodes that together cover a range, left to right, the largest first. The range starts at a
 * multiple of the largest power of two that fits in it, as every range of a proof does.
 */
export function nodesOfRange({ from, to }: LeafRange): TreeNode[] {
  const nodes: TreeNode[] = [];
  let at = from;
  while (at < to) {
    let height = 0;
    let width = 1;
    while (width * 2 <= to - at) {
      width *= 2;
      height += 1;
    }
    nodes.push({ height, index: at / width });
    at += width;
  }
  return nodes;
}

/** Returns the ranges whose hashes are the audit path of a leaf, the leaf's sibling first (RFC 9162 §2.1.3.1). */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  const ranges: LeafRange[] = [];
  let from = 0;
  let to = size;
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  return ranges.reverse();
}

/** Returns the ranges whose hashes are the proof from size1 to size2, the lowest first (RFC 9162 §2.1.4.1). */
export function consistencyRanges(size1: number, size2: number): LeafRange[] {
  const ranges: LeafRange[] = [];
  let from = 0;
  let to = size2;
  while (to !== size1) {
    const middle = from + splitOf(to - from);
    if (size1 <= middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  // The old tree's own root is known to who asks, so it is left out where it is a node of the new tree.
  if (from > 0) ranges.push({ from, to });
  return ranges.reverse();
}
