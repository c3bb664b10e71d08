import type { AuditRecord } from './record.ts';
import type { Report } from './finding.ts';

/** Judges that a shard lists all that its first record says it carries over, before anything else happens. */
export function createCarriedJudge(report: Report): (record: AuditRecord) => void {
  let missing: { identities: number; intents: number; leases: number } | undefined;
  return (record) => {
    if (record.type === 'log.shard_opened') {
      const { identities, intents, leases } = record.body;
      missing = { identities, intents, leases };
      return;
    }
    if (!missing) return;
    if (record.type === 'identity.listed') missing.identities -= 1;
    else if (record.type === 'log.carried') {
      missing.intents -= record.body.intents.length;
      missing.leases -= record.body.leases.length;
    } else {
      for (const [what, count] of Object.entries(missing)) {
        if (count > 0) report('carried_over', `${count} ${what} of the shard before are not listed`);
        if (count < 0) report('carried_over', `${-count} ${what} are listed that the shard before did not have`);
      }
      missing = undefined;
    }
  };
}
