import type { AnswerReader } from './answers.ts';
import type { VaultCall, VaultClient, VaultMembers } from './vault-client.ts';

/** What Vault says of the mount that a path is below. */
export interface Mount {
  /** With "/" at its end. */
  readonly path: string;
  /** Of KV: `2` where secrets have versions. */
  readonly version: string;
  /** The longest lease, milliseconds. */
  readonly maxLeaseMs: number;
}

/** Mounts, each looked up once in a while. */
export interface Mounts {
  of(path: string, call: VaultCall): Promise<Mount>;
}

/** A mount is seldom made anew with another version. */
const FRESH_MS = 300_000;

export function createMounts(client: VaultClient, answers: AnswerReader, now: () => number): Mounts {
  const known = new Map<string, { readonly mount: Mount; readonly untilMs: number }>();
  return {
    async of(path, call) {
      const hit = known.get(path);
      if (hit && hit.untilMs > now()) return hit.mount;
      // What `vault kv` asks too. It needs no policy but one for the path itself.
      const what = `sys/internal/ui/mounts/${path}`;
      const data = answers.object(await client.read(what, call), 'data', what);
      const { version } = (data.options ?? {}) as VaultMembers;
      const config = answers.object(data, 'config', what);
      const mount: Mount = {
        path: answers.text(data, 'path', what),
        version: typeof version === 'string' ? version : '',
        maxLeaseMs: answers.seconds(config, 'max_lease_ttl', what) * 1000,
      };
      known.set(path, { mount, untilMs: now() + FRESH_MS });
      return mount;
    },
  };
}
