import type { IdentityObject } from '@tallystick/core';
import type { Fault } from './fault.ts';
import type { WarningInput } from './warning.ts';

const PRODUCTION = 'production';

/** Returns what is tolerated elsewhere and a mistake in production. Pure. */
export function productionFaults(
  input: Pick<WarningInput, 'config' | 'at' | 'sidecarUid' | 'folders' | 'recordInMemory'>,
): Fault[] {
  const { config, at, sidecarUid, folders, recordInMemory } = input;
  const own = new Set([sidecarUid, folders.get(config.state.keys)?.uid].map((uid) => `unix:uid:${uid}`));
  const production = config.identities.filter(({ environment }) => environment === PRODUCTION);
  return [
    // For a workload that the user of the sidecar alone makes an identity, every process of that user reads the keys of
    // the issuer. A workload socket tells workloads in containers of their own apart, where an equal uid is another user.
    ...production
      .filter(({ match }) => match.some((selectors) => isOwn(selectors, own)))
      .map((identity) => ({
        path: [...at(identity), identity.match.length > 1 ? 'matchAny' : 'match'],
        place: 'value' as const,
        kind: 'meaning' as const,
        message: `${identity.id} runs in production as the user of the sidecar, and can read its keys`,
        remedy: 'run the workload as a user of its own; in a container of its own, add a tallystick:socket selector',
      })),
    ...production.slice(0, recordInMemory && config.audit.durability !== 'none' ? 1 : 0).map((identity) => ({
      path: [...at(identity), 'environment'],
      place: 'value' as const,
      kind: 'meaning' as const,
      message: `${identity.id} runs in production, and its records would be in memory: "${config.state.audit}" is on tmpfs`,
      remedy:
        'put "state.audit" on a disk, or name a replica in "audit.replica"; or accept with "audit: { durability: none }" that records end with this machine',
    })),
  ];
}

function isOwn(selectors: IdentityObject['match'][number], own: ReadonlySet<string>): boolean {
  return (
    selectors.some((selector) => own.has(selector)) &&
    !selectors.some((selector) => selector.startsWith('tallystick:socket:'))
  );
}
