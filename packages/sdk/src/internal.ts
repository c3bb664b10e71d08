import { connectIn, type ConnectOptions } from './connect.ts';
import type { Identity } from './identity.ts';
import { systemRuntime, type Runtime } from './runtime.ts';

export type { Runtime } from './runtime.ts';
export type { SocketAnswer, SocketRequest, Transport } from './transport.ts';

/**
 * As `connect`, in surroundings of one's own: clock, timers, randomness, the way to the socket. What is absent is the
 * machine's, but for `holders`: nothing is shared with those who called `connect`, unless their map is given.
 *
 * For `@tallystick/testing`. It may change in any version.
 */
export function connectWith(runtime: Partial<Runtime>, options?: ConnectOptions): Promise<Identity> {
  return connectIn({ ...systemRuntime(), holders: new Map(), ...runtime }, options);
}

/**
 * As `connect`, but waiting does not keep the program alive: it may end before this settles.
 *
 * For `@tallystick/register`. It may change in any version.
 */
export function connectInBackground(options?: ConnectOptions): Promise<Identity> {
  return connectIn(systemRuntime(), options, (waiting) => waiting);
}
