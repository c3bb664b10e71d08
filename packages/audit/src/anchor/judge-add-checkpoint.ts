import { merkleRoot } from '@tallystick/core';
import type { Checkpoint } from '../tlog/checkpoint.ts';
import { TlogError } from '../tlog/tlog-error.ts';
import { verifyConsistency } from '../tlog/verify-consistency.ts';
import type { SignedRequest } from './open-add-checkpoint.ts';

/** What a witness does with a signed request. */
export type Judgement =
  /** It may cosign, once it has kept the checkpoint as the newest one. */
  | { readonly status: 200 }
  /** The log has to begin at the size that was cosigned last, or has two heads of that size. */
  | { readonly status: 409; readonly size: number }
  | { readonly status: 400 | 422; readonly reason: string };

/**
 * Returns whether a witness may cosign a checkpoint after the one of that log that it cosigned last
 * (tlog-witness, add-checkpoint). The order of the rules is that of the text.
 *
 * @param known The checkpoint that was cosigned last; undefined where there was none, which stands for the empty log.
 */
export function judgeAddCheckpoint(
  known: Checkpoint | undefined,
  { oldSize, proof, checkpoint }: SignedRequest,
): Judgement {
  const { size, root } = checkpoint;
  const last = known ?? { size: 0, root: merkleRoot([]) };
  if (oldSize > size) return { status: 400, reason: 'the old size is larger than that of the checkpoint' };
  if (oldSize !== last.size) return { status: 409, size: last.size };
  if (size === 0 && Buffer.compare(root, merkleRoot([])) !== 0) {
    return { status: 422, reason: 'an empty log has another root' };
  }
  if (oldSize === size && Buffer.compare(root, last.root) !== 0) return { status: 409, size: last.size };
  if (oldSize === 0) {
    return proof.length === 0 ? { status: 200 } : { status: 422, reason: 'the proof from size 0 is not empty' };
  }
  try {
    verifyConsistency({ size1: oldSize, size2: size, root1: last.root, root2: root, proof });
    return { status: 200 };
  } catch (error) {
    if (error instanceof TlogError) return { status: 422, reason: 'the consistency proof does not hold' };
    throw error;
  }
}
