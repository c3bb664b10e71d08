import type { IdentityObject, IdentityState } from '@tallystick/core';

/** Returns the state of an identity at an instant. */
export function identityState(identity: IdentityObject, suspended: boolean, nowMs: number): IdentityState {
  if (suspended) return 'suspended';
  return nowMs < identityEndMs(identity) ? 'active' : 'expired';
}

/** Returns the instant at which an identity ends, in milliseconds since the epoch: its last day's 24:00 UTC. */
export function identityEndMs({ expires }: Pick<IdentityObject, 'expires'>): number {
  return Date.parse(`${expires}T00:00:00Z`) + 86_400_000;
}
