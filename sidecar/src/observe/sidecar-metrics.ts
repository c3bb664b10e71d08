import type { Clock, IdentityState } from '@tallystick/core';
import { identityState } from '../authorize/identity-state.ts';
import type { Registry } from '../authorize/registry.ts';
import type { EventHub } from '../events/hub.ts';
import type { LeaseTable } from '../lease/lease-table.ts';
import type { Recorder } from '../record/record.ts';
import type { Standing } from '../state/standing.ts';
import type { Metrics } from './metrics.ts';

/** Registers the gauges that are read from the sidecar's parts at each scrape. */
export function describeSidecar(
  metrics: Metrics,
  parts: {
    readonly table: LeaseTable;
    readonly hub: EventHub;
    readonly recorder: Recorder;
    readonly registry: () => Registry;
    readonly standing: Standing;
    readonly clock: Pick<Clock, 'nowMs'>;
  },
): void {
  const { table, hub, recorder, registry, standing, clock } = parts;
  metrics.gauge('tallystick_leases', 'Leases that live.', () => table.size);
  metrics.gauge('tallystick_event_streams', 'Open event streams.', () => hub.size);
  metrics.gauge('tallystick_record_pending', 'Records waiting to become durable.', () => recorder.pending);
  metrics.gauge('tallystick_record_writable', '1 while records can be written.', () => Number(recorder.isWritable()));
  metrics.gauge('tallystick_revocations', 'Lines of the revocation list.', () => standing.revocations().length);
  metrics.gauge('tallystick_identities', 'Identities, by state.', () => {
    const counts: Record<IdentityState, number> = { active: 0, suspended: 0, expired: 0 };
    for (const identity of registry().identities.values()) {
      counts[identityState(identity, standing.isSuspended(identity.id), clock.nowMs())]++;
    }
    return Object.entries(counts).map(([state, value]) => ({ labels: { state }, value }));
  });
  metrics.gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
}
