import type { IdentityObject, IdentityState } from '@tallystick/core';

/** Returns the state of an identity at an instant. Its last day ends at 24:00 UTC. */
export function identityState(identity: IdentityObject, suspended: boolean, nowMs: number): IdentityState {
  if (suspended) return 'suspended';
  return nowMs >= Date.parse(`${identity.expires}T00:00:00Z`) + 86_400_000 ? 'expired' : 'active';
}
