import { isOwnToken } from '../authorize/registry.ts';
import type { LeaseTable } from './lease-table.ts';
import type { Lease } from './lease.ts';

/** Returns the id of the lease of the certificate that a token is bound to; undefined of all else. */
export function certificateOf({ key }: Pick<Lease, 'key'>): string | undefined {
  return isOwnToken(key.credential) ? key.subject : undefined;
}

/** Returns the leases and, after each that is of a certificate, those of the tokens that are bound to it: each once. */
export function withBoundTokens(leases: readonly Lease[], table: Pick<LeaseTable, 'ofHolder'>): readonly Lease[] {
  return [...new Set(leases.flatMap((lease) => [lease, ...boundTokens(lease, table)]))];
}

/** Returns the leases of the tokens that are bound to a certificate. */
export function boundTokens({ id, key }: Lease, table: Pick<LeaseTable, 'ofHolder'>): readonly Lease[] {
  // A certificate has one key that asks for it, and its tokens are for that one alone.
  if (key.credential.type !== 'x509' || key.jkt === undefined) return [];
  return table.ofHolder(key.identity, key.jkt).filter((lease) => certificateOf(lease) === id);
}
