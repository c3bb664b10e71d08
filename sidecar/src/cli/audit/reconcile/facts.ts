import type { Receipt } from '@tallystick/core';

/** A release on record. Times in milliseconds since the epoch, as all here. */
export interface ReleasedFact {
  readonly kind: 'released';
  readonly jti: string;
  readonly identity: string;
  readonly credential: string | null;
  readonly audience: string | null;
  /** Thumbprint of the key that asked. */
  readonly jkt: string;
  /** Thumbprint of the key that the token says it is bound to; null of one that is bound to a certificate. */
  readonly shownJkt: string | null;
  readonly atMs: number;
  readonly endsMs: number | null;
  /** Where the record stands: `<incarnation>/<shard>/<index>`. */
  readonly record: string;
}

/** What somebody says about one lease. */
export type LeaseFact =
  /** It was in force when a shard began: its release may be on record in an earlier one. */
  | { readonly kind: 'carried' }
  | ReleasedFact
  /** One release of it did not leave. */
  | { readonly kind: 'undelivered' }
  | { readonly kind: 'revoked'; readonly atMs: number }
  /** Use by the word of the workload. */
  | { readonly kind: 'reported'; readonly count: number }
  | { readonly kind: 'receipt'; readonly receipt: SeenReceipt };

/** A receipt of a token whose signature was good. */
export type SeenReceipt = Receipt & { readonly issuer: string; readonly caller: string; readonly jti: string };

/** True for a receipt that names a token. */
export function isSeen(receipt: Receipt): receipt is SeenReceipt {
  return receipt.issuer !== null && receipt.caller !== null && receipt.jti !== null;
}

/**
 * The order in which facts of one lease are judged: what is on record before what was done with it, so that each receipt
 * can be judged when it comes, and none has to be kept.
 */
export const FACT_RANK: Readonly<Record<LeaseFact['kind'], number>> = {
  carried: 0,
  released: 1,
  undelivered: 2,
  revoked: 3,
  reported: 4,
  receipt: 5,
};

/** What brings together what is about one lease. A token that names none is a group of its own. */
export function groupOf({ lease, jti }: Pick<SeenReceipt, 'lease' | 'jti'>): string {
  return lease ?? `jti ${jti}`;
}
