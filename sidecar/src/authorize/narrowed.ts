import { ASSURANCE_RANK, type IdentityObject } from '@tallystick/core';
import type { Registry } from './registry.ts';

/**
 * Returns the ids of identities that a new registry does not have, or gives less to: their tokens must end with the
 * old one.
 */
export function narrowedIdentities(before: Registry, after: Registry): readonly string[] {
  const narrowed: string[] = [];
  for (const old of before.identities.values()) {
    const now = after.identities.get(old.id);
    if (!now || !covers(before, old, after, now)) narrowed.push(old.id);
  }
  return narrowed;
}

/** Returns the ids of identities whose object or credentials changed, narrowed ones left out. */
export function changedIdentities(before: Registry, after: Registry, narrowed: readonly string[]): readonly string[] {
  const skip = new Set(narrowed);
  return [...after.identities.values()]
    .filter((now) => {
      const old = before.identities.get(now.id);
      return old !== undefined && !skip.has(now.id) && picture(before, old) !== picture(after, now);
    })
    .map(({ id }) => id);
}

function covers(before: Registry, old: IdentityObject, after: Registry, now: IdentityObject): boolean {
  if (now.expires < old.expires) return false;
  // Another matcher can mean another workload: what the earlier one holds is not meant for it any more.
  if (JSON.stringify(now.match) !== JSON.stringify(old.match)) return false;
  // Its tokens say so: an API that goes by it would serve what the identity no longer stands for.
  if (now.environment !== old.environment) return false;
  if (!old.businessProcesses.every((process) => now.businessProcesses.includes(process))) return false;
  const kept = after.entitled(now);
  return before
    .entitled(old)
    .every(({ credential, scope, minAssurance }) =>
      kept.some(
        (item) =>
          item.credential.name === credential.name &&
          item.credential.provider === credential.provider &&
          item.credential.audience === credential.audience &&
          ASSURANCE_RANK[item.minAssurance] <= ASSURANCE_RANK[minAssurance] &&
          scope.every((value) => item.scope.includes(value)),
      ),
    );
}

function picture(registry: Registry, identity: IdentityObject): string {
  return JSON.stringify([registry.digest.entries.get(identity.id), registry.entitled(identity)]);
}
