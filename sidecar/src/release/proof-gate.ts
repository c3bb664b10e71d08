import { hash } from 'node:crypto';
import { TallystickError, type Clock, type Random } from '@tallystick/core';
import {
  createNonceSource,
  DigestSet,
  judgeProof,
  ProofError,
  readProof,
  readProofInPool,
  type Proof,
} from '@tallystick/dpop';

/** A proof that was fresh, and its digest for the record. */
export interface CheckedProof extends Proof {
  /** Base64url SHA-256 of the proof's text. */
  readonly sha256: string;
}

/** Checks the proofs of the workload socket: form, signature, method, URL, body, nonce, and that it was never seen. */
export interface ProofGate {
  /** The nonce to send with every answer. */
  nonce(): string;
  /**
   * @param owner Identity whose quota the proof counts on.
   * @throws {TallystickError} `invalid_proof`, `use_dpop_nonce`, `proof_replayed`, `proof_capacity`
   */
  check(header: readonly string[] | undefined, expected: ProofTarget, owner: string): Promise<CheckedProof>;
}

/** What a proof must have been made for. */
export interface ProofTarget {
  readonly method: string;
  readonly url: string;
  /** Set where the route asks for the body to be bound. */
  readonly bth?: string | undefined;
}

/** The inputs of {@link createProofGate}. */
export interface ProofGateOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Proofs of one identity in one nonce step. */
  readonly quota?: number;
  /** Proofs of all identities in one nonce step. */
  readonly capacity?: number;
}

const STEP_MS = 15_000;

/** The proofs that were made with the nonce of one step, and how many each identity made. */
interface Generation {
  readonly seen: DigestSet;
  readonly counts: Map<string, number>;
}

export function createProofGate(options: ProofGateOptions): ProofGate {
  const { clock, random, quota = 200_000, capacity = 2_000_000 } = options;
  // By the monotonic clock: a wall clock that is set back would make old nonces good again, after the proofs made with
  // them were forgotten. The secret lives as long as the process, so no step has to mean the same after a restart.
  const nonces = createNonceSource({
    secret: random.bytes(32),
    realm: 'workload',
    clock: { nowMs: () => clock.monotonicMs() },
    stepMs: STEP_MS,
  });
  const prefix = Buffer.from(random.bytes(16)).toString('latin1');
  // One generation for each step in which a nonce was handed out, dropped when that nonce is no longer accepted: a
  // proof is remembered exactly as long as it would be let in.
  const generations = new Map<number, Generation>();

  const generationOf = (nonce: string | undefined): Generation => {
    if (nonce === undefined) throw new ProofError('nonce', 'the proof has no nonce');
    // Before the nonce is judged: were a step to end in between, the one it names could be dropped and begun anew.
    const oldest = nonces.currentStep() - 1;
    for (const step of generations.keys()) if (step < oldest) generations.delete(step);
    const step = nonces.stepOf(nonce);
    if (step === undefined) throw new ProofError('nonce', 'the nonce of the proof is not recent');
    let found = generations.get(step);
    if (!found) generations.set(step, (found = { seen: new DigestSet(prefix, capacity), counts: new Map() }));
    return found;
  };

  // Checking a signature is most of what a request costs. One that is alone is served soonest by this thread; of those
  // that come in the same turn of the event loop, the others go to the cores that are free.
  let turnIsTaken = false;
  const read = (header: readonly string[] | undefined): Proof | Promise<Proof> => {
    if (turnIsTaken) return readProofInPool(header);
    turnIsTaken = true;
    setImmediate(() => (turnIsTaken = false));
    return readProof(header);
  };

  return {
    nonce: () => nonces.current(),
    async check(header, expected, owner) {
      const proof = await read(header);
      judgeProof(proof, expected);
      const { seen, counts } = generationOf(proof.nonce);
      const count = counts.get(owner) ?? 0;
      if (count >= quota) {
        throw new TallystickError('proof_capacity', `${owner} has used its quota of proofs`, { retryAfterMs: STEP_MS });
      }
      const added = seen.add(`${proof.jkt} ${proof.jti}`);
      if (added === 'present') throw new ProofError('replayed', 'the proof was used before');
      if (added === 'full') {
        throw new TallystickError('proof_capacity', 'the store of used proofs is full', { retryAfterMs: STEP_MS });
      }
      counts.set(owner, count + 1);
      return { ...proof, sha256: hash('sha256', header![0]!, 'base64url') };
    },
  };
}
