import { parseOrigin } from '@tallystick/audit';
import type { IdentityState } from '@tallystick/core';
import type { EventHub } from '../events/hub.ts';
import type { LeaseTable } from '../lease/lease-table.ts';
import type { UpstreamEnding } from '../lease/upstream-ending.ts';
import type { ListenCounts } from '../listen/counters.ts';
import type { LateRecords } from '../record/late-records.ts';
import type { Recorder } from '../record/record.ts';
import type { Standing } from '../state/standing.ts';
import type { UpstreamStatus } from '../providers/upstream-status.ts';
import type { Upstreams } from '../providers/upstreams.ts';
import type { AnchoringStatus } from '../anchor/anchoring-status.ts';
import type { Census } from './census.ts';
import type { Metrics } from './metrics.ts';

/** Registers the gauges that are read from the sidecar's parts at each scrape. */
export function describeSidecar(
  metrics: Metrics,
  parts: {
    readonly table: LeaseTable;
    readonly hub: EventHub;
    readonly recorder: Recorder;
    readonly late: Pick<LateRecords, 'waiting'>;
    readonly standing: Standing;
    readonly census: Census;
    readonly upstreams: Pick<Upstreams, 'status'>;
    /** How much is still to be ended upstream. */
    readonly ending: Pick<UpstreamEnding, 'pending'>;
    /** False while the file is broken or needs a restart, and an older configuration is in force. */
    readonly configInForce: () => boolean;
  },
): void {
  const { table, hub, recorder, late, standing, census, configInForce } = parts;
  describeUpstreams(metrics, parts);
  metrics.gauge('tallystick_leases', 'Leases that live.', () => table.size);
  metrics.gauge('tallystick_event_streams', 'Open event streams.', () => hub.size);
  metrics.gauge('tallystick_record_pending', 'Records waiting to become durable.', () => recorder.pending);
  metrics.gauge('tallystick_record_writable', '1 while records can be written.', () => Number(recorder.isWritable()));
  metrics.gauge('tallystick_record_size', 'Records in the shard of the log.', () => recorder.status().size);
  const place = () => parseOrigin(recorder.origin);
  metrics.gauge(
    'tallystick_record_incarnation',
    'Number of the incarnation of the log.',
    () => place()?.incarnation ?? 0,
  );
  metrics.gauge('tallystick_record_shard', 'Number of the shard that takes records.', () => place()?.shard ?? 0);
  metrics.gauge(
    'tallystick_record_published_size',
    'Records under the newest head that is on disk for others to read.',
    () => recorder.status().published?.size ?? 0,
  );
  metrics.gauge(
    'tallystick_record_used_bytes',
    'Bytes that the logs take, of those that they may.',
    () => recorder.status().space.usedBytes,
  );
  metrics.gauge('tallystick_record_max_bytes', 'Bytes that the logs may take.', () => recorder.status().space.maxBytes);
  metrics.gauge(
    'tallystick_record_durability',
    '1 for what makes records last: node, replicated, or none (memory).',
    () => [{ labels: { class: recorder.status().durability }, value: 1 }],
  );
  const anchoring = (): AnchoringStatus => recorder.status().anchoring;
  metrics.gauge('tallystick_rollback_detectable', '1 while an older copy of the log would be found out.', () =>
    Number(anchoring().rollback === 'detectable'),
  );
  metrics.gauge('tallystick_anchor_age_seconds', 'Age of the newest head that is known outside.', () =>
    sample(anchoring().anchor?.ageMs, (ageMs) => ageMs / 1000),
  );
  metrics.gauge('tallystick_witnesses_failing', 'Witnesses that did not cosign when they were asked last.', () =>
    sample(anchoring(), ({ failing }) => failing.length),
  );
  metrics.gauge('tallystick_replica_acknowledged', '1 while the replica takes what it is given.', () =>
    sample(anchoring().replica, ({ acknowledged }) => Number(acknowledged)),
  );
  metrics.gauge('tallystick_replica_lag_records', 'Records that the replica does not have.', () =>
    sample(anchoring().replica, ({ size }) => recorder.status().size - size),
  );
  metrics.gauge('tallystick_record_late', 'Revocations and suspensions that wait to be recorded.', () => late.waiting);
  metrics.gauge('tallystick_config_in_force', '1 while the configuration file is what the sidecar runs by.', () =>
    Number(configInForce()),
  );
  metrics.gauge('tallystick_revocations', 'Lines of the revocation list.', () => standing.revocations().length);
  metrics.gauge('tallystick_identities', 'Identities, by state.', () => {
    const counts: Record<IdentityState, number> = { active: 0, suspended: 0, expired: 0 };
    for (const { state, count } of census.identities()) counts[state] += count;
    return Object.entries(counts).map(([state, value]) => ({ labels: { state }, value }));
  });
  metrics.gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
}

/** Registers the gauges of the upstreams, by the name of the provider. */
function describeUpstreams(
  metrics: Metrics,
  parts: {
    readonly upstreams: Pick<Upstreams, 'status'>;
    readonly ending: Pick<UpstreamEnding, 'pending'>;
    readonly census: Pick<Census, 'leases'>;
  },
): void {
  const { upstreams, ending, census } = parts;
  const each = (value: (status: UpstreamStatus) => number | undefined) => () =>
    upstreams.status().flatMap((status) => {
      const found = value(status);
      return found === undefined ? [] : [{ labels: { provider: status.name }, value: found }];
    });
  metrics.gauge(
    'tallystick_upstream_reachable',
    '1 where an upstream answered when it was asked last.',
    each(({ reachable }) => (reachable === undefined ? undefined : Number(reachable))),
  );
  metrics.gauge(
    'tallystick_upstream_breaker_open',
    '1 while an upstream is left alone because it does not serve.',
    each(({ breaker }) => Number(breaker !== 'closed')),
  );
  metrics.gauge(
    'tallystick_upstream_success_age_seconds',
    'Time since a call of an upstream succeeded.',
    each(({ successAgeMs }) => successAgeMs && successAgeMs / 1000),
  );
  metrics.gauge(
    'tallystick_upstream_calls',
    'Calls of an upstream that are under way or wait.',
    each(({ calls }) => calls),
  );
  metrics.gauge('tallystick_leases_by_provider', 'Leases that live, by provider and type.', () =>
    census.leases().map(({ provider, type, count }) => ({ labels: { provider, type }, value: count })),
  );
  metrics.gauge('tallystick_upstream_ending', 'Leases that upstreams have yet to end.', () => ending.pending);
}

/** Returns the one sample of what there is, and none of what there is not. */
function sample<T>(found: T | null | undefined, value: (found: T) => number) {
  return found === null || found === undefined ? [] : [{ labels: {}, value: value(found) }];
}

/** Registers the gauges of the workload sockets. */
export function describeListeners(
  metrics: Metrics,
  counts: () => Pick<ListenCounts, 'connections' | 'inFlight'>,
): void {
  metrics.gauge('tallystick_connections', 'Open connections to workload sockets.', () => counts().connections);
  metrics.gauge(
    'tallystick_requests_in_flight',
    'Requests on workload sockets that are being answered, without event streams.',
    () => counts().inFlight,
  );
}
