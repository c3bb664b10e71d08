import { TallystickError } from '@tallystick/core';
import { holderOf, type TokenReader } from '../issuer/read-token.ts';
import type { LeaseTable } from './lease-table.ts';

/** A key that names leases as its own. */
export interface LeaseClaim {
  /** SPIFFE ID. */
  readonly identity: string;
  readonly jkt: string;
  readonly leases: ReadonlySet<string>;
  /** Access tokens, which prove leases that are not known any more. */
  readonly tokens: readonly string[];
}

/** Returns when each of the leases was made, in milliseconds since the epoch. */
export type OwnedLeases = (claim: LeaseClaim) => Promise<ReadonlyMap<string, number>>;

/**
 * Returns what tells leases that belong to a key from all others: by the table of those that live, and of one that has
 * ended, or is of an earlier run of this sidecar, by its token.
 *
 * @param readToken Also of tokens that have expired.
 */
export function createOwnedLeases(parts: { table: Pick<LeaseTable, 'get'>; readToken: TokenReader }): OwnedLeases {
  const { table, readToken } = parts;
  return async ({ identity, jkt, leases, tokens }) => {
    const made = new Map<string, number>();
    for (const id of leases) {
      const lease = table.get(id);
      if (!lease) continue;
      if (!lease.holders.has(jkt) || lease.key.identity !== identity) throw unknown();
      made.set(id, lease.issuedAtMs);
    }
    if (made.size < leases.size) {
      for (const token of tokens) {
        const claims = await readToken(token);
        if (claims?.sub !== identity || holderOf(claims) !== jkt) throw unknown();
        made.set(claims.jti, claims.iat * 1000);
      }
    }
    for (const id of leases) if (!made.has(id)) throw unknown();
    return made;
  };
}

// One answer for all: whose lease it is, and whether there is such a one, is nobody else's business.
function unknown(): TallystickError {
  return new TallystickError('lease_unknown', 'this key has not shown that all of these leases are its own', {
    remedy: 'send the tokens of these leases with the report, in "tokens"',
  });
}
