/** What speaks against the record, or against those who used what is on it. */
export type FindingCode =
  /** Accepted, and no record says that it was released. */
  | 'used_without_record'
  /** Refused, though a trusted issuer has signed it, and no record says that it was released. */
  | 'shown_without_record'
  /** Accepted for another identity, audience or key than the record names. */
  | 'identity_differs'
  | 'audience_differs'
  | 'key_differs'
  /** Accepted though its lease, its key or all of its identity was revoked. */
  | 'used_after_revocation'
  | 'used_after_suspension'
  /** Accepted after its time was over. */
  | 'used_after_end';

/** A finding about one token: all receipts of it that show the same. */
export interface Finding {
  readonly code: FindingCode;
  readonly lease: string | null;
  readonly jti: string;
  readonly issuer: string;
  readonly caller: string;
  readonly audience: string | null;
  readonly jkt: string | null;
  /** Requests; of those after an end at the most, because a receipt may reach over it. */
  count: number;
  /** RFC 3339, as receipts have them. */
  first: string;
  last: string;
  /** What the record says instead, or when the right ended; null where there is none. */
  readonly recorded: string | null;
  /** Where the record stands, as `tallystick audit prove` takes it. */
  readonly record: string | null;
}

/** Findings with the same code and token in one. */
export function merge(held: Finding, more: Finding): void {
  held.count += more.count;
  if (more.first < held.first) held.first = more.first;
  if (more.last > held.last) held.last = more.last;
}
