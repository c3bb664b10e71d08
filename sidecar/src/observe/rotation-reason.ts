import type { Lease } from '../lease/lease.ts';

/** Returns why a lease is to be replaced: an operator asked for it, or its time has come. */
export function rotationReason({ stale }: Pick<Lease, 'stale'>): 'operator' | 'schedule' {
  return stale ? 'operator' : 'schedule';
}
