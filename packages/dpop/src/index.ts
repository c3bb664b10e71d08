export { isProofAlgorithm, PROOF_ALGORITHMS, type ProofAlgorithm } from './algorithms.ts';
export { DigestSet, type AddResult } from './digest-set.ts';
export { accessTokenHash, bodyHash } from './hashes.ts';
export { htuOf, normalizeHtu, sameHtu } from './htu.ts';
export { generateHolderKey, holderKey, type HolderKey } from './key.ts';
export { createNonceSource, type NonceOptions, type NonceSource } from './nonce.ts';
export { ProofError, type ProofFault } from './proof-fault.ts';
export { createProof, type ProofRequest } from './proof.ts';
export { createMemoryReplayStore, type MemoryReplayStoreOptions, type ReplayStore } from './replay-store.ts';
export { publicMembers, thumbprint, type PublicJwk } from './thumbprint.ts';
export {
  judgeProof,
  MAX_JTI_LENGTH,
  MAX_PROOF_LENGTH,
  readProof,
  type Proof,
  type ProofExpectation,
} from './verify.ts';
