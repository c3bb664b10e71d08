import { TallystickError } from '@tallystick/core';
import type { EngineMaker } from './engine.ts';
import type { Mount } from './mounts.ts';
import { valuesOf } from './values.ts';
import type { VaultMembers } from './vault-client.ts';

/** The version of KV that keeps versions of secrets. */
const VERSIONED = '2';

/** Reads a secret of a KV engine, version 1 or 2, whichever its mount is. */
export const readKv: EngineMaker = async ({ order, call, client, answers, mounts, name }) => {
  const { path, version, fields } = order.wanted;
  const mount = await mounts.of(path, call);
  const isVersioned = mount.version === VERSIONED;
  if (!isVersioned && version !== undefined) {
    throw new TallystickError('upstream_not_found', `"${name}" keeps one version of ${path}`, {
      remedy: 'remove "version", or let the mount be of KV version 2',
    });
  }
  const what = kvPath(path, mount);
  const query = version === undefined ? '' : `?version=${version}`;
  const data = answers.object(await client.read(what + query, call), 'data', what);
  const values = isVersioned ? answers.object(data, 'data', what) : data;
  const metadata = isVersioned ? answers.object(data, 'metadata', what) : {};
  return {
    material: {
      values: valuesOf(values, fields, name, path),
      version: isVersioned ? String(answers.seconds(metadata, 'version', what)) : '',
    },
    handles: {},
    expiresAtMs: deletionMs(metadata),
    vaultLease: '',
    renewable: false,
  };
};

/** Returns where a secret is read: `secret/ledger` at `secret/data/ledger`. One that is written so already is left. */
export function kvPath(path: string, { path: mount, version }: Mount): string {
  const rest = path.slice(mount.length);
  return version === VERSIONED && !rest.startsWith('data/') ? `${mount}data/${rest}` : path;
}

/** A version may have an end of its own ("delete_version_after"). */
function deletionMs({ deletion_time: at }: VaultMembers): number | undefined {
  const ms = typeof at === 'string' && at !== '' ? Date.parse(at) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
