import type { Extensions } from './checkpoint.ts';
import { judgeCheckpoint, type JudgedCheckpoint } from './judge-checkpoint.ts';
import type { TlogPolicy } from './tlog-policy.ts';
import type { TlogProof } from './tlog-proof.ts';
import { verifyInclusion } from './verify-inclusion.ts';

/**
 * Returns the checkpoint that a proof binds a leaf to: signed by a log of the policy, witnessed by its quorum, and
 * with the leaf at the proof's index (tlog-proof, Verifying a tlog proof).
 *
 * @param leafHash Computed by the caller from the record itself; a proof does not say what it is a proof of.
 * @throws {TlogError} As {@link judgeCheckpoint} and {@link verifyInclusion}.
 */
export function verifyTlogProof(
  proof: TlogProof,
  leafHash: Uint8Array,
  policy: TlogPolicy,
  extensions: Extensions,
): JudgedCheckpoint {
  const checkpoint = judgeCheckpoint(proof.checkpoint, policy, extensions);
  const { size, root } = checkpoint;
  verifyInclusion({ index: proof.index, size, leafHash, proof: proof.hashes, root });
  return checkpoint;
}
