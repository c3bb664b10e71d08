import type { IdentityObject } from '@tallystick/core';
import type { Registry } from '../authorize/registry.ts';
import type { Lease } from '../lease/lease.ts';
import { errorFields, type Log } from '../observe/log.ts';
import type { Recorder, TraceMember } from './record.ts';

/**
 * Records that leases were taken back. Never waited for: taking away goes ahead without the record, which then goes
 * to the log of the sidecar.
 */
export interface RevocationRecords {
  revoked(leases: readonly Lease[], by: 'holder' | 'operator' | 'sidecar', trace: TraceMember | null): void;
}

export function createRevocationRecords(options: {
  recorder: Recorder;
  registry: () => Registry;
  log: Log;
}): RevocationRecords {
  const { recorder, registry, log } = options;
  return {
    revoked(leases, by, trace) {
      for (const group of Map.groupBy(leases, ({ key }) => key.identity).values()) {
        const { digest, identities } = registry();
        const identity: IdentityObject | undefined = identities.get(group[0]!.key.identity);
        // A record holds 500 lease ids at the most, so that it stays below the longest record.
        for (let at = 0; at < group.length; at += 500) {
          const part = group.slice(at, at + 500).map(({ id }) => id);
          recorder
            .append({
              type: 'credential.revoked',
              actor: by === 'holder' ? group[0]!.key.identity : by,
              owner: identity?.owner ?? null,
              process: null,
              registry: { root: digest.root, entry: digest.entries.get(group[0]!.key.identity) ?? null },
              lease: part.length === 1 ? part[0]! : null,
              outcome: 'success',
              reason: null,
              trace,
              body: { leases: part, by },
            })
            .catch((error: unknown) => log.error('leases were revoked without a record', { count: part.length, by, ...errorFields(error) }));
        }
      }
    },
  };
}
