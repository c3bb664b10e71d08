import type { AuditRecord } from '@tallystick/audit';
import type { LeaseFact } from './facts.ts';

/** A fact, and the lease that it is about. */
export interface GroupedFact {
  readonly group: string;
  readonly fact: LeaseFact;
}

/** Returns what a record says about leases. Of a release that has no `jti` no API of ours has receipts: it says nothing. */
export function factsOfRecord(record: AuditRecord): readonly GroupedFact[] {
  switch (record.type) {
    case 'log.carried':
      return record.body.leases.map((group) => ({ group, fact: { kind: 'carried' } }));
    case 'credential.released': {
      const { handles, granted, name, jkt, binding, notAfter } = record.body;
      if (handles?.jti === undefined || record.lease === null) return [];
      const fact: LeaseFact = {
        kind: 'released',
        jti: handles.jti,
        identity: record.actor,
        credential: name,
        audience: granted?.audience ?? null,
        jkt,
        shownJkt: binding === 'mtls' ? null : jkt,
        atMs: Date.parse(record.time),
        endsMs: notAfter === null ? null : Date.parse(notAfter),
        record: placeOf(record),
      };
      return [{ group: record.lease, fact }];
    }
    case 'credential.undelivered':
      return record.lease === null ? [] : [{ group: record.lease, fact: { kind: 'undelivered' } }];
    case 'credential.revoked': {
      const atMs = Date.parse(record.body.effectiveAt ?? record.time);
      return record.body.leases.map((group) => ({ group, fact: { kind: 'revoked', atMs } }));
    }
    case 'usage.reported':
      return record.body.uses.map(({ lease, count }) => ({ group: lease, fact: { kind: 'reported', count } }));
    default:
      return [];
  }
}

/** Returns where a record stands, as `tallystick audit prove` takes it. */
export function placeOf({ origin, seq }: Pick<AuditRecord, 'origin' | 'seq'>): string {
  return `${origin.split('/').slice(-2).join('/')}/${seq}`;
}
