import type { MintOrder } from '../provider.ts';
import { shortened } from './session-name.ts';

/** A session tag (STS API, `Tag`). `aws:PrincipalTag/KEY` of policies, and in CloudTrail's record of the assumption. */
export interface SessionTag {
  readonly key: string;
  readonly value: string;
}

const MAX_VALUE_LENGTH = 256;
/** All that is not ASCII of `[\p{L}\p{Z}\p{N}_.:/=+\-@]`, which is what AWS takes. */
const REFUSED = /[^A-Za-z0-9 _.:/=+\-@]/gu;

/**
 * Returns the tags of a session: whose it is, who answers for it, for which business process it was asked, and under
 * which lease. None is transitive: a role that the workload assumes with them begins anew.
 */
export function sessionTagsOf({
  leaseId,
  identity,
  process,
}: Pick<MintOrder, 'leaseId' | 'identity' | 'process'>): readonly SessionTag[] {
  const tags: Record<string, string | undefined> = {
    'tallystick-identity': identity.id,
    'tallystick-owner': identity.owner.id,
    'tallystick-environment': identity.environment,
    'tallystick-lease': leaseId,
    'tallystick-process': process?.id,
    'tallystick-run': process?.run,
  };
  return Object.entries(tags).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value: tagValue(value) }]));
}

/** Returns `text` where AWS takes it as it is, else what it takes of it, `=` and a digest of the whole. */
export function tagValue(text: string): string {
  const taken = text.replaceAll(REFUSED, '_');
  if (taken === text && text.length <= MAX_VALUE_LENGTH) return text;
  return shortened(taken, text, Math.min(MAX_VALUE_LENGTH, taken.length + 23));
}
