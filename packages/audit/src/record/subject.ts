import type { AuditRecord, ForeignRecord } from './record.ts';
import type { Leaf } from './leaf.ts';
import { knownRecordOf } from './leaf.ts';

/** Whom and what a record concerns, beside who did it. */
export interface Subject {
  readonly identities: readonly string[];
  readonly leases: readonly string[];
  /** Who answered for the identity; of a change of owner both. */
  readonly owners: readonly string[];
  /** Claimed runs of business processes. */
  readonly runs: readonly string[];
  /** Business processes, registered or claimed. */
  readonly processes: readonly string[];
}

/**
 * Returns whom and what a leaf concerns, from the envelope and, where the type is known, from the body. Of a record of
 * a later release it is what the envelope says.
 */
export function subjectOf(leaf: Leaf, record: AuditRecord | ForeignRecord): Subject {
  const identities = new Set<string>();
  const leases = new Set<string>();
  const runs = new Set<string>();
  const processes = new Set<string>(record.process?.registered);
  const claimed = (process: { id: string; run: string | null } | null | undefined): void => {
    if (!process) return;
    processes.add(process.id);
    if (process.run !== null) runs.add(process.run);
  };
  if (record.actor !== 'sidecar' && record.actor !== 'operator') identities.add(record.actor);
  if (record.lease !== null) leases.add(record.lease);
  claimed(record.process?.claimed);
  for (const { id } of record.refs) if (id.startsWith('ls_')) leases.add(id);
  const known = knownRecordOf(leaf);
  const owners = new Set(record.owner ? [record.owner.id] : []);
  if (known?.type === 'identity.owner_changed') owners.add(known.body.from.id).add(known.body.object.owner.id);
  if (known && 'identity' in known.body && known.body.identity !== null) identities.add(known.body.identity);
  if (known && 'leases' in known.body && typeof known.body.leases === 'object') {
    for (const lease of known.body.leases) leases.add(lease);
  }
  if (known?.type === 'usage.reported') {
    for (const { lease, process } of known.body.uses) {
      leases.add(lease);
      claimed(process);
    }
  }
  return {
    identities: [...identities],
    leases: [...leases],
    owners: [...owners],
    runs: [...runs],
    processes: [...processes],
  };
}
