import { TallystickError, type Assurance } from '@tallystick/core';
import type { Peer } from '../listen/peer.ts';
import type { Attestation, Attestor } from './attestor.ts';

/**
 * Returns what is known of a peer.
 *
 * @throws {TallystickError} `peer_gone`; what an attestor throws.
 */
export type Attest = (peer: Peer) => Promise<Attestation>;

/**
 * Makes the function that attests peers: all attestors in their order, once per connection. What they said is kept as
 * long as the peer; that the peer lives is asked before and after, for every request.
 */
export function createAttest(attestors: readonly Attestor[]): Attest {
  const known = new WeakMap<Peer, Attestation>();
  return async (peer) => {
    requireAlive(peer);
    let attestation = known.get(peer);
    if (!attestation) {
      attestation = { selectors: await collect(attestors, peer), assurance: assuranceOf(peer), peer };
      known.set(peer, attestation);
      // An attestor may have looked at the process table: had the process ended, that could be about another.
      requireAlive(peer);
    }
    return attestation;
  };
}

/** How sure the kernel makes us: of one living process, or only of a user on a socket. */
export function assuranceOf(peer: Peer): Assurance {
  return peer.visible ? 'process' : 'socket';
}

async function collect(attestors: readonly Attestor[], peer: Peer): Promise<readonly string[]> {
  const selectors = new Set<string>();
  for (const attestor of attestors) for (const selector of await attestor.attest(peer)) selectors.add(selector);
  return [...selectors].sort();
}

/**
 * A connection speaks for the process that opened it. When that has ended, whoever holds the connection now inherited
 * it or was handed it.
 */
function requireAlive(peer: Peer): void {
  if (!peer.isAlive()) throw new TallystickError('peer_gone', 'the process that opened this connection has ended');
}
