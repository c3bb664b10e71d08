import type { Registry } from '../authorize/registry.ts';
import { errorFields, type Log } from '../observe/log.ts';
import type { LateRecords, Taking } from './late-records.ts';
import type { Operator, Recorder, TraceMember } from './record.ts';

/** A lease as far as a revocation must know it: one of an earlier run has no more than this. */
export interface RevokedLease {
  readonly id: string;
  readonly key: { readonly identity: string };
}

/** What an operator named: one of the three, or an identity and a key together. */
export interface RevokedByOperator {
  readonly identity: string | null;
  readonly jkt: string | null;
  /** A lease that this run did not issue. */
  readonly unknown: string | null;
  readonly leases: readonly RevokedLease[];
}

/**
 * Records that leases were taken back, which is not waited for: taking away goes ahead without the record, which then
 * goes to the log of the sidecar, and into the record as soon as it takes records again.
 */
export interface RevocationRecords {
  revoked(leases: readonly RevokedLease[], by: 'holder' | 'sidecar', trace: TraceMember | null): void;
  /** Also where no lease was found: what was barred is on record. */
  revokedByOperator(named: RevokedByOperator, operator: Operator): void;
  /** Durable when it resolves: to replace a lease takes nothing away, and waits. */
  rotateAsked(leases: readonly RevokedLease[], operator: Operator): Promise<void>;
}

/** A record holds this many lease ids at the most, so that it stays below the longest record. */
const IDS_PER_RECORD = 500;

export function createRevocationRecords(options: {
  recorder: Recorder;
  late: LateRecords;
  registry: () => Registry;
  log: Log;
}): RevocationRecords {
  const { recorder, late, registry, log } = options;
  const envelope = (identity: string | null, ids: readonly string[]) => {
    const { digest, identities } = registry();
    return {
      owner: (identity !== null && identities.get(identity)?.owner) || null,
      process: null,
      registry: { root: digest.root, entry: (identity !== null && digest.entries.get(identity)) || null },
      lease: ids.length === 1 ? ids[0]! : null,
      outcome: 'success' as const,
    };
  };
  const append = (
    actor: string,
    reason: string | null,
    trace: TraceMember | null,
    named: Omit<Taking<'credential.revoked'>['body'], 'upstream'>,
  ): void => {
    const { identity, leases } = named;
    const body = { ...named, upstream: null };
    late
      .append({ type: 'credential.revoked', ...envelope(identity, leases), actor, reason, trace, body })
      .catch((error: unknown) => {
        log.error('leases were revoked without a record', { count: leases.length, by: body.by, ...errorFields(error) });
      });
  };
  return {
    revoked(leases, by, trace) {
      for (const [identity, ids] of parts(leases)) {
        const body = { by, identity, jkt: null, leases: ids, operator: null };
        append(by === 'holder' ? identity : by, null, trace, body);
      }
    },
    revokedByOperator({ identity, jkt, unknown, leases }, operator) {
      const found = [...parts(leases)];
      const named = { by: 'operator' as const, jkt, operator };
      if (found.length === 0) {
        append('operator', operator.reason, null, { ...named, identity, leases: unknown === null ? [] : [unknown] });
      }
      for (const [owner, ids] of found) {
        append('operator', operator.reason, null, { ...named, identity: owner, leases: ids });
      }
    },
    async rotateAsked(leases, operator) {
      const records = [...parts(leases)].map(([identity, ids]) =>
        recorder.append({
          type: 'credential.rotate_asked',
          ...envelope(identity, ids),
          actor: 'operator',
          reason: operator.reason,
          trace: null,
          body: { leases: ids, operator },
        }),
      );
      await Promise.all(records);
    },
  };
}

/** The ids of leases by identity, in parts that fit a record. */
function* parts(leases: readonly RevokedLease[]): Generator<readonly [identity: string, ids: readonly string[]]> {
  for (const [identity, group] of Map.groupBy(leases, ({ key }) => key.identity)) {
    for (let at = 0; at < group.length; at += IDS_PER_RECORD) {
      yield [identity, group.slice(at, at + IDS_PER_RECORD).map(({ id }) => id)];
    }
  }
}
