import type { Assurance } from '@tallystick/core';
import type { Peer } from '../listen/peer.ts';

/** Turns facts about a peer into selectors, in SPIRE's vocabulary. One file per attestor; `run.ts` lists them. */
export interface Attestor {
  /** Stable, lower-case name, recorded and used as a metric label: `unix`, `socket`, `k8s`. */
  readonly name: string;
  /**
   * Returns the selectors that hold for `peer`; none where the attestor has nothing to say of it. Need not cache: the
   * answer is kept for the life of the connection.
   *
   * @throws {TallystickError} The attestor cannot tell now. The request is refused with it, since selectors that are
   *   missing could change which identity matches.
   */
  attest(peer: Peer): readonly string[] | Promise<readonly string[]>;
}

/** What is known of a connection's other end. */
export interface Attestation {
  /** Sorted, each once. */
  readonly selectors: readonly string[];
  readonly assurance: Assurance;
  readonly peer: Peer;
}
