import type { IdentityObject } from '@tallystick/core';
import type { Peer } from '../listen/peer.ts';
import { createMatch } from './match.ts';
import { socketSelectors } from './socket.ts';
import { unixSelectors } from './unix.ts';

/** Returns whether an identity could match a peer, by what the kernel said when it connected. */
export type MayMatch = (peer: Pick<Peer, 'socket' | 'uid' | 'gid' | 'executable'>) => boolean;

/**
 * Makes the function that tells possible workloads from strangers before anything is read of them. Selectors that take
 * more than the kernel's word are taken to hold: no workload is a stranger.
 */
export function createMayMatch(identities: readonly IdentityObject[]): MayMatch {
  const reduced = identities.map((identity) => ({
    ...identity,
    match: identity.match.map((selectors) => selectors.filter(isOfKernel)),
  }));
  if (reduced.some(({ match }) => match.some((selectors) => selectors.length === 0))) return () => true;
  const match = createMatch(reduced);
  return (peer) => match({ selectors: [...unixSelectors(peer), ...socketSelectors(peer)] }).length > 0;
}

function isOfKernel(selector: string): boolean {
  return /^(unix:(uid|gid|path)|tallystick:socket):/.test(selector);
}
