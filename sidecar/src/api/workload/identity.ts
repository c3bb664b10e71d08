import type { Clock } from '@tallystick/core';
import { ROUTES, type IdentityDocument } from '@tallystick/protocol';
import { identityState } from '../../authorize/identity-state.ts';
import { isOwnToken, type Registry } from '../../authorize/registry.ts';
import type { Admission } from '../../release/admit.ts';
import type { Standing } from '../../state/standing.ts';
import { json } from '../answer.ts';
import { admitProven } from './proven.ts';
import type { WorkloadRoute } from './route.ts';

/** What the identity route is made of. */
export interface IdentityRouteParts {
  readonly admission: Admission;
  readonly issuer: string;
  readonly registry: () => Registry;
  readonly standing: Standing;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** `GET /v1/identity`: who the caller is, and what it may have. */
export function identityRoute(parts: IdentityRouteParts): WorkloadRoute {
  return {
    method: 'GET',
    path: ROUTES.identity,
    async handle(exchange) {
      const { identity } = await admitProven(parts.admission, parts.issuer, exchange);
      const document: IdentityDocument = {
        id: identity.id,
        owner: { id: identity.owner.id, kind: identity.owner.kind },
        environment: identity.environment,
        processes: identity.businessProcesses,
        state: identityState(identity, parts.standing.isSuspended(identity.id), parts.clock.nowMs()),
        revocable: identity.revocable,
        credentials: parts
          .registry()
          .entitled(identity)
          .map(({ credential, scope }) => ({
            name: credential.name,
            type: credential.type,
            audience: credential.audience,
            scope: scope.join(' ') || undefined,
            use: credential.use.map(({ text }) => text),
            binding: credential.binding,
            delivery: isOwnToken(credential) ? 'plain' : 'sealed',
            attribution: credential.attribution,
            certificate: isOwnToken(credential) ? credential.certificate : undefined,
          })),
      };
      return json(document);
    },
  };
}
