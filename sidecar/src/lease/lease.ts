import type { Binding } from '@tallystick/core';
import type { Material } from '@tallystick/protocol';
import type { CredentialConfig } from '../config/config.ts';
import type { Peer } from '../listen/peer.ts';
import type { Provider, UpstreamHandles } from '../providers/provider.ts';

/** What makes two requests ask for the same lease. */
export interface LeaseKey {
  /** SPIFFE ID. */
  readonly identity: string;
  readonly credential: CredentialConfig;
  /** Scope values, sorted. */
  readonly scope: readonly string[];
  /** The one key that it belongs to, as a token does; undefined where all holders of the identity share it. */
  readonly jkt: string | undefined;
  /** The claimed business process, where a credential of an upstream is attributed by that; else undefined. */
  readonly process: string | undefined;
  /** The claimed run, where the credential is attributed by run; else undefined. */
  readonly run: string | undefined;
  /**
   * Of a certificate, the digest of the key that it is asked for; of a token that is bound to one, the id of its lease;
   * undefined of all else.
   */
  readonly subject: string | undefined;
}

/** A time-limited right to one credential, and the credential. */
export interface Lease {
  /** `ls_` and a ULID; of a token of our issuer also its `jti`. */
  readonly id: string;
  readonly key: LeaseKey;
  readonly material: Material;
  readonly binding: Binding;
  readonly handles: UpstreamHandles;
  /** Who made it, and how that extends and ends it; undefined of our issuer. */
  readonly upstream: UpstreamHold | undefined;
  readonly issuedAtMs: number;
  /** Whole seconds. Grows when the upstream extends it. */
  expiresAtMs: number;
  /** When a request will get a new one instead, or this one extended. */
  rotateAtMs: number;
  /**
   * The processes that it was handed to, by the thumbprints of their keys: each is owned by its connection, and asked
   * only whether it lives.
   */
  readonly holders: Map<string, Peer>;
  /** Set once; a revoked lease is never served again. */
  revoked: boolean;
  /** Set by an operator's `rotate`: the next request gets a new one. */
  stale: boolean;
}

/** What an upstream has made, seen from its lease. */
export interface UpstreamHold {
  readonly provider: Provider;
  /** Extends and ends it; undefined where it ends by itself alone. */
  readonly handle: string | undefined;
  /** Milliseconds since the epoch; undefined: it is replaced, never extended. */
  renewableUntilMs: number | undefined;
  /** When the upstream ends it by itself, milliseconds since the epoch: perhaps later than its lease. */
  untilMs: number;
  /** Until when a restart would find out that it has to be ended, milliseconds since the epoch. */
  keptUntilMs: number;
  /** Id of the record of the intent: what becomes of it refers to that. */
  readonly intent: string;
}

/** Seconds since the epoch at which a lease ends, as a token carries it. */
export function expOf(lease: Pick<Lease, 'expiresAtMs'>): number {
  return Math.floor(lease.expiresAtMs / 1000);
}

/** Returns the text that is equal for equal keys. */
export function leaseKeyText(key: LeaseKey): string {
  return JSON.stringify([
    key.identity,
    key.credential.name,
    key.credential.audience,
    key.scope,
    key.jkt ?? null,
    key.process ?? null,
    key.run ?? null,
    key.subject ?? null,
  ]);
}
