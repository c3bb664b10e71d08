import type { IdentityObject } from '@tallystick/core';
import type { Fault } from './fault.ts';
import type { WarningInput } from './warning.ts';

const PRODUCTION = 'production';

/**
 * Returns what is a warning elsewhere and a mistake in production: a workload that the user of the sidecar alone makes
 * an identity, for every process of that user reads the keys of the issuer. A workload socket tells workloads in
 * containers of their own apart, where an equal uid is another user. Pure.
 */
export function productionFaults(input: Pick<WarningInput, 'config' | 'at' | 'sidecarUid' | 'folders'>): Fault[] {
  const { config, at, sidecarUid, folders } = input;
  const own = new Set([sidecarUid, folders.get(config.state.keys)?.uid].map((uid) => `unix:uid:${uid}`));
  return config.identities
    .filter(({ environment, match }) => environment === PRODUCTION && match.some((selectors) => isOwn(selectors, own)))
    .map((identity) => ({
      path: [...at(identity), identity.match.length > 1 ? 'matchAny' : 'match'],
      place: 'value',
      kind: 'meaning',
      message: `${identity.id} runs in production as the user of the sidecar, and can read its keys`,
      remedy: 'run the workload as a user of its own; in a container of its own, add a tallystick:socket selector',
    }));
}

function isOwn(selectors: IdentityObject['match'][number], own: ReadonlySet<string>): boolean {
  return (
    selectors.some((selector) => own.has(selector)) &&
    !selectors.some((selector) => selector.startsWith('tallystick:socket:'))
  );
}
