import { parseSpiffeId, type IdentityObject } from '@tallystick/core';
import type { TelemetryIdentity } from '@tallystick/telemetry';

const known = new WeakMap<IdentityObject, TelemetryIdentity>();

/** Returns what telemetry says of an identity; the same object each time, since its attributes are kept by object. */
export function telemetryIdentity(identity: IdentityObject): TelemetryIdentity {
  let found = known.get(identity);
  if (!found) {
    found = {
      id: identity.id,
      trustDomain: parseSpiffeId(identity.id).trustDomain,
      kind: identity.kind,
      owner: identity.owner,
      environment: identity.environment,
      processes: identity.businessProcesses,
    };
    known.set(identity, found);
  }
  return found;
}
