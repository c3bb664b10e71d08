import { credentialRoute, type CredentialRouteParts } from './credential.ts';
import { eventsRoute, type EventsRouteParts } from './events.ts';
import { identityRoute, type IdentityRouteParts } from './identity.ts';
import { introspectRoute, type IntrospectRouteParts } from './introspect.ts';
import { jwksRoute } from './jwks.ts';
import { leaseRoute, type LeaseRouteParts } from './lease.ts';
import { metadataRoute } from './metadata.ts';
import { revocationsRoute } from './revocations.ts';
import { revokeRoute, type RevokeRouteParts } from './revoke.ts';
import type { WorkloadRoute } from './route.ts';
import { tokenRoute } from './token.ts';
import { usageRoute, type UsageRouteParts } from './usage.ts';
import type { RevocationAnswer } from '../revocations.ts';

/** What the routes are made of, all together. */
export type WorkloadParts = CredentialRouteParts &
  IdentityRouteParts &
  EventsRouteParts &
  IntrospectRouteParts &
  UsageRouteParts &
  Omit<RevokeRouteParts & LeaseRouteParts, 'records'> & {
    readonly revocationRecords: LeaseRouteParts['records'];
    readonly revocations: RevocationAnswer;
  };

/** The routes of the workload socket. A new one is a file, and a line here. */
export function workloadRoutes(parts: WorkloadParts): readonly WorkloadRoute[] {
  const { issuer, revocationRecords } = parts;
  return [
    metadataRoute(issuer),
    jwksRoute(parts.signer),
    revocationsRoute(parts.revocations),
    tokenRoute(parts, issuer, parts.clock),
    credentialRoute(parts),
    identityRoute(parts),
    eventsRoute(parts),
    leaseRoute({ ...parts, records: revocationRecords }),
    revokeRoute({ ...parts, records: revocationRecords }),
    introspectRoute(parts),
    usageRoute(parts),
  ];
}
