import { leaseId, rotationInstant, TallystickError, type Clock, type Random } from '@tallystick/core';
import type { Peer } from '../listen/peer.ts';
import type { IssueCap } from './issue-cap.ts';
import { leaseKeyText, type Lease, type LeaseKey } from './lease.ts';
import type { LeaseTable } from './lease-table.ts';

/** Who asks for a lease, and for how long it may last at the most. */
export interface LeaseAsk {
  readonly key: LeaseKey;
  readonly peer: Peer;
  /** The end of the identity, in milliseconds since the epoch: no lease of it lives on. */
  readonly notAfterMs: number;
}

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
  /** Why the lease, whose time to be replaced has come, is served on: what minting threw just now. */
  readonly failure?: unknown;
}

/** Reuses leases, makes one for many that ask at once, and takes them back. */
export interface LeaseManager {
  /**
   * Returns the lease under a key: the one there is until its rotation, else a new one. Many that ask at once share
   * one mint. While minting fails, a lease that is still good is served on.
   *
   * @returns Undefined when it was taken back while it was being minted, or the identity ended: whether the asker may
   * still have one must be decided again.
   * @throws {TallystickError} `issue_limit`, or what `mint` threw.
   */
  obtain(ask: LeaseAsk, mint: (request: MintRequest) => Promise<string>): Promise<Obtained | undefined>;
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
  /** Leases that one identity may have at a time. A workload that makes a key for each request must not fill the memory. */
  readonly leasesPerIdentity?: number;
}

/** A token must have this much life left to be served, milliseconds. */
const USABLE_MS = 500;
/** A token from further ahead than this was made by a clock that has been set back since: APIs would refuse it. */
const AHEAD_MS = 10_000;

/** A mint under way. Taking back does not stop it; it takes its place in the map, so that its result is thrown away. */
interface Mint {
  readonly key: LeaseKey;
  result: Promise<Obtained | undefined>;
}

export function createLeaseManager(options: LeaseManagerOptions): LeaseManager {
  const { table, cap, clock, random, leasesPerIdentity = 120_000 } = options;
  const mints = new Map<string, Mint>();

  const isGood = (lease: Lease | undefined): lease is Lease => {
    if (lease === undefined || lease.revoked) return false;
    const nowMs = clock.nowMs();
    return nowMs < lease.expiresAtMs - USABLE_MS && nowMs > lease.issuedAtMs - AHEAD_MS;
  };
  const takeIssue = ({ identity, credential }: LeaseKey): void => {
    if (table.countOf(identity) >= leasesPerIdentity) {
      throw new TallystickError('issue_limit', `${identity} holds ${leasesPerIdentity} leases`, {
        retryAfterMs: 60_000,
      });
    }
    if (!cap.take(`${identity} ${credential.name}`)) {
      throw new TallystickError('issue_limit', `${credential.name} was issued too often in this minute`, {
        retryAfterMs: 60_000 - (clock.monotonicMs() % 60_000),
      });
    }
  };
  const makeLease = async (
    { key, peer, notAfterMs }: LeaseAsk,
    mint: (request: MintRequest) => Promise<string>,
  ): Promise<Lease | undefined> => {
    takeIssue(key);
    // Whole seconds, as the token carries them; rounded so that the lease never outlives the token.
    const issuedAt = Math.floor(clock.nowMs() / 1000);
    const last = Math.floor(notAfterMs / 1000);
    // It ended since it was decided upon.
    if (last <= issuedAt) return undefined;
    const exp = Math.min(issuedAt + Math.floor(key.credential.lifetimeMs / 1000), last);
    const id = leaseId(clock, random);
    const token = await mint({ leaseId: id, issuedAt, expiresAt: exp });
    const lifetime = { issuedAtMs: issuedAt * 1000, expiresAtMs: exp * 1000 };
    const rotateAtMs = rotationInstant(lifetime, random.uniform() * 2 - 1);
    return { id, key, token, ...lifetime, rotateAtMs, exp, peer, revoked: false, stale: false };
  };
  const run = async (
    text: string,
    own: Mint,
    ask: LeaseAsk,
    mint: (request: MintRequest) => Promise<string>,
  ): Promise<Obtained | undefined> => {
    const before = table.byKey(text);
    try {
      const lease = await makeLease(ask, mint);
      if (!lease || mints.get(text) !== own) return undefined;
      // So slow that it ended before it began.
      if (clock.nowMs() >= lease.expiresAtMs) return undefined;
      table.add(text, lease);
      return { lease, source: 'minted', replaced: before };
    } catch (error) {
      if (mints.get(text) !== own) return undefined;
      if (isGood(before)) return { lease: before, source: 'cache', replaced: undefined, failure: error };
      throw error;
    } finally {
      if (mints.get(text) === own) mints.delete(text);
    }
  };
  const revoke = (leases: readonly Lease[]): void => {
    for (const lease of leases) {
      lease.revoked = true;
      table.remove(lease);
      mints.delete(leaseKeyText(lease.key));
    }
  };

  return {
    async obtain(ask, mint) {
      const text = leaseKeyText(ask.key);
      const held = table.byKey(text);
      if (isGood(held) && !held.stale && clock.nowMs() < held.rotateAtMs) {
        return { lease: held, source: 'cache', replaced: undefined };
      }
      const running = mints.get(text);
      if (running) {
        const shared = await running.result;
        return shared && { lease: shared.lease, source: 'cache', replaced: undefined };
      }
      const own: Mint = { key: ask.key, result: Promise.resolve(undefined) };
      // In the map before it runs: a mint that fails at once takes itself out again.
      mints.set(text, own);
      own.result = run(text, own, ask, mint);
      return own.result;
    },
    revoke,
    revokeWhere(selects) {
      const chosen = [...table.all()].filter((lease) => selects(lease.key));
      revoke(chosen);
      for (const [text, { key }] of mints) if (selects(key)) mints.delete(text);
      return chosen;
    },
  };
}
