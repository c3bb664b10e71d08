import type { IdentityObject } from '@tallystick/core';
import type { Attestation } from '../attest/attestor.ts';
import { selectIdentity } from '../authorize/select-identity.ts';
import type { Peer } from '../listen/peer.ts';
import type { CheckedProof, ProofGate, ProofTarget } from './proof-gate.ts';

/** Who sends a request. */
export interface Identified {
  readonly identity: IdentityObject;
  readonly attestation: Attestation;
}

/** A request whose sender and key are known. */
export interface Admitted extends Identified {
  readonly proof: CheckedProof;
}

/** A request that needs a proof, as far as its admission goes. */
export interface Admittable {
  readonly peer: Peer;
  /** The identity that it names, if it does. */
  readonly named: string | undefined;
  readonly proofHeader: readonly string[] | undefined;
  readonly target: ProofTarget;
  /** Told who sends it as soon as that is known: its proof may still be refused. */
  readonly onIdentified: (sender: Identified) => void;
}

/** The first two steps of every request that needs a proof: attest -> proof. */
export interface Admission {
  /** Returns what is known of a peer and the identities that match it. May be asked again for each request. */
  attest(peer: Peer): Promise<{ readonly attestation: Attestation; readonly matching: readonly IdentityObject[] }>;
  /** @throws {TallystickError} `identity_*`, or what {@link ProofGate.check} throws. */
  admit(request: Admittable): Promise<Admitted>;
  /**
   * Returns the identity that a peer was admitted as, from the present configuration.
   *
   * @throws {TallystickError} `identity_*`: the peer is no longer one that it matches. `peer_gone`.
   */
  readmit(peer: Peer, id: string): Promise<IdentityObject>;
}

/** The inputs of {@link createAdmission}. */
export interface AdmissionParts {
  readonly attest: (peer: Peer) => Attestation | Promise<Attestation>;
  /** Identities of the present configuration whose selectors an attestation has. */
  readonly match: (attestation: Attestation) => readonly IdentityObject[];
  readonly proofs: ProofGate;
}

export function createAdmission({ attest, match, proofs }: AdmissionParts): Admission {
  const attestPeer = async (peer: Peer): Promise<{ attestation: Attestation; matching: readonly IdentityObject[] }> => {
    const attestation = await attest(peer);
    return { attestation, matching: match(attestation) };
  };
  return {
    attest: attestPeer,
    async admit({ peer, named, proofHeader, target, onIdentified }) {
      const { attestation, matching } = await attestPeer(peer);
      const found = selectIdentity(matching, named, attestation.selectors);
      onIdentified({ identity: found, attestation });
      const proof = await proofs.check(proofHeader, target, found.id);
      // A signature may be checked on another thread: by a configuration that came meanwhile this can be another's.
      const identity = selectIdentity(match(attestation), found.id, attestation.selectors);
      return { identity, attestation, proof };
    },
    async readmit(peer, id) {
      const { attestation, matching } = await attestPeer(peer);
      return selectIdentity(matching, id, attestation.selectors);
    },
  };
}
