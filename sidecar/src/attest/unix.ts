import type { Peer } from '../listen/peer.ts';
import type { Attestor } from './attestor.ts';

/**
 * Selectors from what the kernel says of the process that connected: `unix:uid:N`, `unix:gid:N` (both effective), and
 * `unix:path:P` where its executable can be seen.
 *
 * The path names what the process runs, not who it is: every program of one user can start that executable, and every
 * Node service runs the same one.
 */
export const unixAttestor: Attestor = { name: 'unix', attest: unixSelectors };

/** Returns the selectors of {@link unixAttestor}. */
export function unixSelectors({ uid, gid, executable }: Pick<Peer, 'uid' | 'gid' | 'executable'>): readonly string[] {
  const selectors = [`unix:uid:${uid}`, `unix:gid:${gid}`];
  if (executable !== undefined) selectors.push(`unix:path:${executable}`);
  return selectors;
}
