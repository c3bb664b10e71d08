import type { Beginning } from '@tallystick/audit';
import type { FingerprintKey } from '../state/fingerprint-key.ts';
import { fingerprintKeyId } from './fingerprint/fingerprint.ts';
import type { DurabilityFacts } from './log-folder.ts';
import { OF_THE_LOG } from './of-the-log.ts';
import type { Operator, RecordInput } from './record.ts';
import type { FiscalYear } from './shards/shard-period.ts';
import { headMember, type FingerprintsMember } from './shards/shard-records.ts';

/** Returns what a log says of the key of its fingerprints. */
export function fingerprintsMember({ key, sealed }: FingerprintKey): FingerprintsMember {
  return { escrow: sealed?.escrow ?? null, id: fingerprintKeyId(key), sealed: sealed?.sealed ?? null };
}

/** What the first record of an incarnation says beside where it comes from. */
export interface GenesisFacts {
  readonly version: string;
  readonly newIncarnation: Operator | undefined;
  readonly fiscalYear: FiscalYear;
  readonly fingerprints: FingerprintKey;
  readonly durability: DurabilityFacts;
}

/** Returns the first record of an incarnation. */
export function genesis(beginning: Beginning, facts: GenesisFacts): RecordInput<'log.genesis'> {
  const { previous, relation, vkey } = beginning;
  const { newIncarnation: operator, fingerprints, durability, version, fiscalYear } = facts;
  return {
    ...OF_THE_LOG,
    type: 'log.genesis',
    actor: operator ? 'operator' : 'sidecar',
    reason: operator?.reason ?? null,
    body: {
      cause: relation === 'genesis' ? 'new' : 'repaired',
      durability,
      fingerprints: fingerprintsMember(fingerprints),
      fiscalYearStart: fiscalYear.start,
      operator: operator ?? null,
      previous: previous ? headMember(previous) : null,
      version,
      vkey,
      zone: fiscalYear.zone,
    },
  };
}
