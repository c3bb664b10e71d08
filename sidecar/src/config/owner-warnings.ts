import type { IdentityObject } from '@tallystick/core';
import type { Caution, FileOwner, WarningInput } from './warning.ts';

/** Warns of files through which a workload could become the sidecar: its keys, and what it is told to do. */
export function* warnOwners(input: WarningInput): Generator<Caution> {
  const { config, folders, file, sidecarUid, at } = input;
  for (const key of ['keys', 'leases', 'audit'] as const) {
    const owner = folders.get(config.state[key]);
    if (owner && (owner.mode & 0o005) !== 0) {
      yield {
        code: 'state_readable',
        path: ['state'],
        message: `the folder of ${key} is open to every user of this machine`,
        remedy: 'chmod 0700',
      };
    }
  }
  for (const identity of config.identities) {
    const uids = idsOf(identity, 'unix:uid:');
    const gids = idsOf(identity, 'unix:gid:');
    const reads = (owner: FileOwner): boolean =>
      uids.has(owner.uid) || ((owner.mode & 0o050) !== 0 && gids.has(owner.gid));
    const root = uids.has(0);
    if (root || (sidecarUid !== undefined && uids.has(sidecarUid)) || [...folders.values()].some(reads)) {
      yield {
        code: 'state_readable',
        path: at(identity),
        message: root
          ? `${identity.id} runs as root, which reads the keys of the sidecar`
          : `${identity.id} runs as a user that can read the state of the sidecar, its keys among it`,
        remedy: 'run the workload as a user of its own',
      };
    }
    if (file && [...uids].some((uid) => uid !== 0 && uid === file.uid)) {
      yield {
        code: 'file_writable',
        path: at(identity),
        message: `${identity.id} runs as the owner of this file, and can entitle itself to anything`,
        remedy: 'let root, or the user of the sidecar, own the file',
      };
    }
  }
  if (file && (file.mode & 0o002) !== 0) {
    yield {
      code: 'file_writable',
      path: [],
      message: 'the file can be written by every user of this machine',
      remedy: 'chmod 0644',
    };
  }
}

function idsOf(identity: IdentityObject, prefix: string): ReadonlySet<number> {
  const found = identity.match.flat().filter((selector) => selector.startsWith(prefix));
  return new Set(found.map((selector) => Number(selector.slice(prefix.length))));
}
