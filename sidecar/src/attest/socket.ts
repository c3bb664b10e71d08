import type { Peer } from '../listen/peer.ts';
import type { Attestor } from './attestor.ts';

/**
 * The selector `tallystick:socket:NAME`: by which socket the peer came. Where a socket is mounted into one container
 * alone, it names that container, which is the most that a pod without a shared PID namespace can prove.
 */
export const socketAttestor: Attestor = { name: 'socket', attest: socketSelectors };

/** Returns the selector of {@link socketAttestor}. */
export function socketSelectors({ socket }: Pick<Peer, 'socket'>): readonly string[] {
  return [`tallystick:socket:${socket}`];
}
