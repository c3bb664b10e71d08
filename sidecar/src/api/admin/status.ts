import type { Clock } from '@tallystick/core';
import type { Registry } from '../../authorize/registry.ts';
import type { Config } from '../../config/config.ts';
import type { EventHub } from '../../events/hub.ts';
import type { Signer } from '../../issuer/signer.ts';
import type { LeaseTable } from '../../lease/lease-table.ts';
import type { LateRecords } from '../../record/late-records.ts';
import type { LogHeads } from '../../record/heads/log-heads.ts';
import type { Recorder } from '../../record/record.ts';
import type { Census } from '../../observe/census.ts';
import type { Upstreams } from '../../providers/upstreams.ts';
import type { Standing } from '../../state/standing.ts';
import type { Health } from '../health/routes.ts';
import type { AdminRoute } from './route.ts';

/** What the status is made of. */
export interface AdminStatusParts {
  readonly config: () => Config;
  /** False while the file is broken or needs a restart, and an older configuration is in force. */
  readonly configInForce: () => boolean;
  readonly registry: () => Registry;
  readonly table: LeaseTable;
  readonly hub: EventHub;
  readonly recorder: Recorder;
  readonly heads: Pick<LogHeads, 'isContradicted'>;
  readonly late: Pick<LateRecords, 'waiting'>;
  readonly standing: Standing;
  readonly upstreams: Pick<Upstreams, 'status'>;
  readonly census: Pick<Census, 'leases'>;
  readonly signer: Signer;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly health: Health;
  readonly version: string;
  readonly epoch: string;
}

/** `status`. */
export function adminStatusRoutes(parts: AdminStatusParts): readonly AdminRoute[] {
  const startedAt = new Date(parts.clock.nowMs()).toISOString();
  return [
    {
      method: 'GET',
      path: '/v1/status',
      handle: () => ({
        version: parts.version,
        pid: process.pid,
        started_at: startedAt,
        epoch: parts.epoch,
        ready: parts.health.isReady(),
        config_in_force: parts.configInForce(),
        trust_domain: parts.config().trustDomain,
        issuer: { url: parts.signer.issuer, kid: parts.signer.currentKid() },
        registry: parts.registry().digest.root,
        identities: parts.registry().identities.size,
        suspended: parts.standing.suspensions().map(({ identity }) => identity),
        credentials: parts.registry().credentials.size,
        leases: parts.table.size,
        event_streams: parts.hub.size,
        revocations: parts.standing.revocations().length,
        upstreams: upstreamsStatus(parts),
        record: recordStatus(parts.recorder, parts.heads, parts.late.waiting),
        memory_bytes: process.memoryUsage.rss(),
      }),
    },
  ];
}

/** By name. `reachable` is null until an upstream has been asked for something. */
function upstreamsStatus({ upstreams, census }: Pick<AdminStatusParts, 'upstreams' | 'census'>) {
  const leases = census.leases();
  return Object.fromEntries(
    upstreams.status().map(({ name, type, reachable, breaker, successAgeMs, lastError }) => [
      name,
      {
        type,
        reachable: reachable ?? null,
        breaker,
        last_success_age_seconds: seconds(successAgeMs),
        last_error: lastError ?? null,
        leases: leases.filter(({ provider }) => provider === name).reduce((sum, { count }) => sum + count, 0),
      },
    ]),
  );
}

function recordStatus(recorder: Recorder, heads: Pick<LogHeads, 'isContradicted'>, late: number) {
  const { size, published, durability, space, anchoring } = recorder.status();
  const { rollback, quorum, anchor, failing, replica } = anchoring;
  return {
    origin: recorder.origin,
    writable: recorder.isWritable(),
    size,
    pending: recorder.pending,
    late,
    published_size: published?.size ?? 0,
    published_root: published?.root ?? null,
    durability,
    space: space.level,
    used_bytes: space.usedBytes,
    max_bytes: space.maxBytes,
    rollback: heads.isContradicted ? 'proven' : rollback,
    anchored_size: anchor?.size ?? 0,
    anchor_age_seconds: seconds(anchor?.ageMs),
    quorum,
    witnesses_failing: failing,
    replica: replica ? (replica.acknowledged ? 'acknowledged' : 'behind') : 'none',
    replicated_size: replica?.size ?? 0,
    replica_age_seconds: seconds(replica?.ageMs),
  };
}

function seconds(ms: number | null | undefined): number | null {
  return typeof ms === 'number' ? Math.floor(ms / 1000) : null;
}
