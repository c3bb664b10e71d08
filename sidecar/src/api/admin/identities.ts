import { printable, TallystickError, type Clock, type IdentityObject } from '@tallystick/core';
import { identityState } from '../../authorize/identity-state.ts';
import type { Registry } from '../../authorize/registry.ts';
import type { Withdrawal } from '../../lease/withdrawal.ts';
import type { Log } from '../../observe/log.ts';
import type { OperatorRecords } from '../../record/operator-records.ts';
import type { UnmatchedPeers } from '../../attest/unmatched.ts';
import type { Standing } from '../../state/standing.ts';
import { operatorOf } from './operator.ts';
import type { AdminRoute } from './route.ts';

/** What the identity commands are made of. */
export interface AdminIdentitiesParts {
  readonly registry: () => Registry;
  readonly standing: Standing;
  readonly withdrawal: Withdrawal;
  readonly records: OperatorRecords;
  readonly unmatched: UnmatchedPeers;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: Log;
}

/** `identities list|suspend|resume|explain`. */
export function adminIdentityRoutes(parts: AdminIdentitiesParts): readonly AdminRoute[] {
  const { registry, standing, withdrawal, records, clock, log } = parts;
  const find = (id: unknown): IdentityObject => {
    const found = typeof id === 'string' ? registry().identities.get(id) : undefined;
    if (!found) {
      throw new TallystickError('invalid_request', `there is no identity "${printable(String(id))}"`, {
        remedy: 'use an id that "tallystick identities list" shows',
      });
    }
    return found;
  };
  return [
    {
      method: 'GET',
      path: '/v1/identities',
      handle: () => ({
        registry: registry().digest.root,
        identities: [...registry().identities.values()].map((identity) => ({
          id: identity.id,
          kind: identity.kind,
          owner: identity.owner.id,
          environment: identity.environment,
          state: identityState(identity, standing.isSuspended(identity.id), clock.nowMs()),
          expires: identity.expires,
          entitlements: registry()
            .entitled(identity)
            .map(({ credential }) => credential.name),
        })),
      }),
    },
    {
      method: 'GET',
      path: '/v1/identities/explain',
      handle: () => ({ unmatched: parts.unmatched.list() }),
    },
    {
      method: 'POST',
      path: '/v1/identities/suspend',
      command: 'identities suspend',
      async handle({ peer, body }) {
        const identity = find(body.id);
        const operator = await operatorOf(peer, body.reason);
        const { leases, durable } = withdrawal.suspend(identity, operator.reason);
        records.suspended(identity, operator);
        const { uid, reason } = operator;
        log.info('identity suspended', { identity: identity.id, leases: leases.length, uid, reason });
        await durable;
        return { id: identity.id, state: 'suspended', leases_ended: leases.length, scope: 'this sidecar alone' };
      },
    },
    {
      method: 'POST',
      path: '/v1/identities/resume',
      command: 'identities resume',
      async handle({ peer, body }) {
        const identity = find(body.id);
        const operator = await operatorOf(peer, body.reason);
        // Giving rights back is a grant: it waits for its record.
        await records.resumed(identity, operator);
        await withdrawal.resume(identity);
        log.info('identity resumed', { identity: identity.id, uid: operator.uid, reason: operator.reason });
        return { id: identity.id, state: identityState(identity, false, clock.nowMs()), scope: 'this sidecar alone' };
      },
    },
  ];
}
