import { leaseId, rotationInstant, TallystickError, type Clock, type Random } from '@tallystick/core';
import type { Peer } from '../listen/peer.ts';
import type { IssueCap } from './issue-cap.ts';
import { leaseKeyText, type Lease, type LeaseKey } from './lease.ts';
import type { LeaseTable } from './lease-table.ts';

/** What the issuer is asked for: a token under this lease id, from then to then (seconds since the epoch). */
export interface MintRequest {
  readonly leaseId: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** A lease, and how it came about. */
export interface Obtained {
  readonly lease: Lease;
  readonly source: 'minted' | 'cache';
  /** The lease this one has replaced just now. */
  readonly replaced: Lease | undefined;
}

/** Reuses leases, makes one for many that ask at once, and takes them back. */
export interface LeaseManager {
  /**
   * Returns the lease under `key`: the one there is until its rotation, else a new one. Many that ask at once share
   * one mint. While minting fails, a lease that is still good is served on.
   *
   * @throws {TallystickError} `issue_limit`, or what `mint` threw.
   */
  obtain(key: LeaseKey, peer: Peer, mint: (request: MintRequest) => Promise<string>): Promise<Obtained>;
  /** Takes leases back: none of them is served again, and a mint under way for their keys is thrown away. */
  revoke(leases: readonly Lease[]): void;
  /** As {@link LeaseManager.revoke}, for all whose key is selected; returns the leases there were. */
  revokeWhere(selects: (key: LeaseKey) => boolean): readonly Lease[];
}

/** The inputs of {@link createLeaseManager}. */
export interface LeaseManagerOptions {
  readonly table: LeaseTable;
  readonly cap: IssueCap;
  readonly clock: Clock;
  readonly random: Random;
}

/** A token must have this much life left to be served, milliseconds. */
const USABLE_MS = 500;

export function createLeaseManager({ table, cap, clock, random }: LeaseManagerOptions): LeaseManager {
  const minting = new Map<string, { readonly key: LeaseKey; readonly result: Promise<Obtained> }>();
  // Counts revocations of keys that are being minted: a mint that began before one must not be served after it.
  const generations = new Map<string, number>();

  const isGood = (lease: Lease | undefined): lease is Lease =>
    lease !== undefined && !lease.revoked && clock.nowMs() < lease.expiresAtMs - USABLE_MS;

  const mintLease = async (
    text: string,
    key: LeaseKey,
    peer: Peer,
    mint: (request: MintRequest) => Promise<string>,
  ): Promise<Obtained> => {
    const before = table.byKey(text);
    try {
      for (;;) {
        const generation = generations.get(text) ?? 0;
        if (!cap.take(`${key.identity} ${key.credential.name}`)) {
          throw new TallystickError('issue_limit', `${key.credential.name} was issued too often in this minute`, {
            retryAfterMs: 60_000 - (clock.monotonicMs() % 60_000),
          });
        }
        // Whole seconds, as the token carries them; rounded so that the lease never outlives the token.
        const issuedAt = Math.floor(clock.nowMs() / 1000);
        const exp = issuedAt + Math.floor(key.credential.lifetimeMs / 1000);
        const id = leaseId(clock, random);
        const token = await mint({ leaseId: id, issuedAt, expiresAt: exp });
        if (generation !== (generations.get(text) ?? 0)) continue;
        const lifetime = { issuedAtMs: issuedAt * 1000, expiresAtMs: exp * 1000 };
        const rotateAtMs = rotationInstant(lifetime, random.uniform() * 2 - 1);
        const lease: Lease = { id, key, token, ...lifetime, rotateAtMs, exp, peer, revoked: false, stale: false };
        table.add(text, lease);
        return { lease, source: 'minted', replaced: before?.revoked ? undefined : before };
      }
    } catch (error) {
      const held = table.byKey(text);
      if (isGood(held)) return { lease: held, source: 'cache', replaced: undefined };
      throw error;
    } finally {
      minting.delete(text);
      generations.delete(text);
    }
  };

  const startOver = (text: string): void => {
    generations.set(text, (generations.get(text) ?? 0) + 1);
  };
  const revoke = (leases: readonly Lease[]): void => {
    for (const lease of leases) {
      lease.revoked = true;
      table.remove(lease);
      const text = leaseKeyText(lease.key);
      if (minting.has(text)) startOver(text);
    }
  };

  return {
    async obtain(key, peer, mint) {
      const text = leaseKeyText(key);
      const held = table.byKey(text);
      if (isGood(held) && !held.stale && clock.nowMs() < held.rotateAtMs) {
        return { lease: held, source: 'cache', replaced: undefined };
      }
      const running = minting.get(text);
      if (running) return { ...(await running.result), source: 'cache', replaced: undefined };
      const result = mintLease(text, key, peer, mint);
      minting.set(text, { key, result });
      return result;
    },
    revoke,
    revokeWhere(selects) {
      const chosen = [...table.all()].filter((lease) => selects(lease.key));
      revoke(chosen);
      for (const [text, { key }] of minting) if (selects(key)) startOver(text);
      return chosen;
    },
  };
}
