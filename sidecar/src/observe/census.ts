import type { Clock, CredentialType, IdentityKind, IdentityState } from '@tallystick/core';
import { identityState } from '../authorize/identity-state.ts';
import type { Registry } from '../authorize/registry.ts';
import type { CredentialConfig } from '../config/config.ts';
import type { LeaseTable } from '../lease/lease-table.ts';
import type { Standing } from '../state/standing.ts';

/** What can be counted of a sidecar at any time. */
export interface Census {
  /** Identities of the configuration, by kind and state; also the states that none of a kind is in. */
  identities(): readonly { readonly kind: IdentityKind; readonly state: IdentityState; readonly count: number }[];
  /** Leases that live, by provider and type; also those of which there is none. */
  leases(): readonly { readonly provider: string; readonly type: CredentialType; readonly count: number }[];
}

const STATES: readonly IdentityState[] = ['active', 'suspended', 'expired'];

export function createCensus(parts: {
  readonly registry: () => Registry;
  readonly standing: Standing;
  readonly table: LeaseTable;
  readonly clock: Pick<Clock, 'nowMs'>;
}): Census {
  const { registry, standing, table, clock } = parts;
  return {
    identities() {
      const nowMs = clock.nowMs();
      const counts = new Map<IdentityKind, Map<IdentityState, number>>();
      for (const identity of registry().identities.values()) {
        const ofKind = counts.get(identity.kind) ?? new Map(STATES.map((state) => [state, 0]));
        counts.set(identity.kind, ofKind);
        const state = identityState(identity, standing.isSuspended(identity.id), nowMs);
        ofKind.set(state, ofKind.get(state)! + 1);
      }
      return [...counts].flatMap(([kind, states]) => [...states].map(([state, count]) => ({ kind, state, count })));
    },
    leases() {
      const counts = new Map<string, { provider: string; type: CredentialType; count: number }>();
      const entryOf = ({ provider, type }: CredentialConfig) => {
        const text = `${provider} ${type}`;
        let entry = counts.get(text);
        if (!entry) counts.set(text, (entry = { provider, type, count: 0 }));
        return entry;
      };
      for (const credential of registry().credentials.values()) entryOf(credential);
      for (const { key } of table.all()) entryOf(key.credential).count++;
      return [...counts.values()];
    },
  };
}
