import type { CredentialConfig } from '../config/config.ts';
import type { Peer } from '../listen/peer.ts';

/** What makes two requests ask for the same token: a token belongs to one key. */
export interface LeaseKey {
  /** SPIFFE ID. */
  readonly identity: string;
  readonly credential: CredentialConfig;
  /** Scope values, sorted. */
  readonly scope: readonly string[];
  readonly jkt: string;
  /** The claimed run, where the credential is attributed by run; else undefined. */
  readonly run: string | undefined;
}

/** A time-limited right to one token, and the token. */
export interface Lease {
  /** `ls_` and a ULID; also the token's `jti`. */
  readonly id: string;
  readonly key: LeaseKey;
  readonly token: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** When a request will get a new one instead. */
  readonly rotateAtMs: number;
  /** Seconds since the epoch, as in the token. */
  readonly exp: number;
  /** The process that got it first. Owned by its connection; asked only whether it lives. */
  readonly peer: Peer;
  /** Set once; a revoked lease is never served again. */
  revoked: boolean;
  /** Set by an operator's `rotate`: the next request gets a new one. */
  stale: boolean;
}

/** Returns the text that is equal for equal keys. */
export function leaseKeyText(key: LeaseKey): string {
  return JSON.stringify([
    key.identity,
    key.credential.name,
    key.credential.audience,
    key.scope,
    key.jkt,
    key.run ?? null,
  ]);
}
