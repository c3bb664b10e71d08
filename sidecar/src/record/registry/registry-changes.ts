import { registryDigest, type IdentityObject } from '@tallystick/core';
import type { BodyOf } from '../record.ts';

/** One difference between two registries, as the record tells it. */
export type RegistryChange = {
  [
    T in 'identity.listed' | 'identity.registered' | 'identity.updated' | 'identity.owner_changed' | 'identity.retired'
  ]: {
    readonly type: T;
    readonly body: BodyOf<T>;
  };
}['identity.listed' | 'identity.registered' | 'identity.updated' | 'identity.owner_changed' | 'identity.retired'];

type Identities = ReadonlyMap<string, IdentityObject>;

/**
 * Returns what has to be recorded so that the log knows `after` where it knew `before`: whole objects, in the order of
 * their ids. Pure.
 *
 * @param listed Says of a new identity that nothing happened to it, and whether it is suspended: it was in the registry
 *   of the log before; undefined for one that is really new.
 */
export function registryChanges(
  before: Identities,
  after: Identities,
  listed: (id: string) => { readonly suspended: boolean } | undefined,
): readonly RegistryChange[] {
  const ids = [...new Set([...before.keys(), ...after.keys()])].sort();
  return ids.flatMap((id): RegistryChange[] => {
    const [old, now] = [before.get(id), after.get(id)];
    if (!now) return [{ type: 'identity.retired', body: { change: null, identity: id, object: old! } }];
    if (!old) {
      const found = listed(id);
      return found
        ? [{ type: 'identity.listed', body: { identity: id, object: now, suspended: found.suspended } }]
        : [{ type: 'identity.registered', body: { change: null, identity: id, object: now } }];
    }
    const previous = digestOf(old);
    if (previous === digestOf(now)) return [];
    const update = { change: null, identity: id, object: now, previous };
    return JSON.stringify(old.owner) === JSON.stringify(now.owner)
      ? [{ type: 'identity.updated', body: update }]
      : [{ type: 'identity.owner_changed', body: { ...update, from: old.owner } }];
  });
}

function digestOf(identity: IdentityObject): string {
  return registryDigest([identity]).entries.get(identity.id)!;
}
