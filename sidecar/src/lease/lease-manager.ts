import {
  leaseId,
  renewalInstant,
  rotationInstant,
  TallystickError,
  type Binding,
  type Clock,
  type Random,
  type Timers,
} from '@tallystick/core';
import type { Material } from '@tallystick/protocol';
import type { Peer } from '../listen/peer.ts';
import type { UpstreamHandles } from '../providers/provider.ts';
import { certificateOf } from './bound-tokens.ts';
import type { IssueCap } from './issue-cap.ts';
import { leaseKeyText, type Lease, type LeaseKey, type UpstreamHold } from './lease.ts';
import type { LeaseTable } from './lease-table.ts';

/** Who asks for a lease, and for how long it may last at the most. */
export interface LeaseAsk {
  readonly key: LeaseKey;
  /** The key that asks: it becomes a holder. */
  readonly jkt: string;
  readonly peer: Peer;
  /** The end of the identity, in milliseconds since the epoch: no lease of it lives on. */
  readonly notAfterMs: number;
}

/** What is asked of whoever makes credentials: one under this lease id, from then to then (seconds since the epoch). */
export interface MintRequest {
  readonly leaseId: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** What was made. */
export interface Minted {
  readonly material: Material;
  readonly binding: Binding;
  readonly handles: UpstreamHandles;
  readonly upstream: UpstreamHold | undefined;
  /** Where it is not what was asked for, milliseconds since the epoch. */
  readonly expiresAtMs?: number;
}

/** Makes credentials, and extends them. */
export interface Maker {
  mint(request: MintRequest): Promise<Minted>;
  /** Returns the new end of a lease, milliseconds since the epoch. Asked only where the upstream said that it can be. */
  renew(lease: Lease): Promise<number>;
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
   * Returns the lease under a key: the one there is until its rotation, else that one extended, or a new one. Many that
   * ask at once share one mint. While minting fails, or takes longer than a second, a lease that is still good is
   * served on.
   *
   * @returns Undefined when it was taken back while it was being minted, or the identity ended: whether the asker may
   * still have one must be decided again.
   * @throws {TallystickError} `issue_limit`, or what the maker threw.
   */
  obtain(ask: LeaseAsk, maker: Maker): Promise<Obtained | undefined>;
  /** Takes leases back: none of them is served again, and a mint under way for their keys is thrown away. */
  revoke(leases: readonly Lease[]): void;
  /** As {@link LeaseManager.revoke}, for all that are selected, mints under way too; returns the leases there were. */
  revokeWhere(selects: (chosen: Pick<Lease, 'key'> & Partial<Pick<Lease, 'holders'>>) => boolean): readonly Lease[];
  /** Takes a key from the holders of a lease. Returns how many are left; one of an upstream without any is abandoned. */
  leave(lease: Lease, jkt: string): number;
}

/** The inputs of {@link createLeaseManager}. */
export interface LeaseManagerOptions {
  readonly table: LeaseTable;
  readonly cap: IssueCap;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** Told of a lease that nobody can have any more while its upstream keeps it: thrown away, or without holders. */
  readonly abandoned: (lease: Lease) => void;
  /**
   * Leases that one identity may have at a time, and holders of those. A workload that makes a key for each request must
   * not fill the memory.
   */
  readonly leasesPerIdentity?: number;
}

/** A token must have this much life left to be served, milliseconds. */
const USABLE_MS = 500;
/** A token from further ahead than this was made by a clock that has been set back since: APIs would refuse it. */
const AHEAD_MS = 10_000;

/** Who has something good waits this long for something newer, milliseconds. */
const PATIENCE_MS = 1000;

/** A mint under way. Taking back does not stop it; it takes its place in the map, so that its result is thrown away. */
interface Mint {
  readonly key: LeaseKey;
  result: Promise<Obtained | undefined>;
}

export function createLeaseManager(options: LeaseManagerOptions): LeaseManager {
  const { table, cap, clock, timers, random, abandoned, leasesPerIdentity = 120_000 } = options;
  const mints = new Map<string, Mint>();
  // What leases have replaced after their askers had been served the old one: the next who gets one is told.
  const untold = new WeakMap<Lease, Lease>();

  // Their ends by the clock that is never set back: upstreams have clocks of their own.
  const endsMs = new WeakMap<Lease, number>();
  const setEnd = (lease: Lease): unknown => endsMs.set(lease, clock.monotonicMs() + lease.expiresAtMs - clock.nowMs());
  const isAhead = ({ issuedAtMs }: Lease): boolean => clock.nowMs() <= issuedAtMs - AHEAD_MS;
  const isGood = (lease: Lease | undefined): lease is Lease => {
    if (lease === undefined || lease.revoked || isAhead(lease)) return false;
    const leftMs = Math.min(lease.expiresAtMs - clock.nowMs(), endsMs.get(lease)! - clock.monotonicMs());
    return leftMs > USABLE_MS;
  };
  const hasRoom = ({ key: { identity }, holders }: Lease, jkt: string): boolean =>
    holders.has(jkt) || table.holdersOf(identity) < leasesPerIdentity;
  const full = (identity: string): TallystickError =>
    new TallystickError('issue_limit', `${identity} holds ${leasesPerIdentity} leases`, { retryAfterMs: 60_000 });
  const join = (lease: Lease, { jkt, peer }: LeaseAsk): void => {
    if (!hasRoom(lease, jkt)) throw full(lease.key.identity);
    table.join(lease, jkt, peer);
  };
  const takeIssue = ({ identity, credential }: LeaseKey): void => {
    if (Math.max(table.countOf(identity), table.holdersOf(identity)) >= leasesPerIdentity) throw full(identity);
    if (!cap.take(`${identity} ${credential.name}`)) {
      throw new TallystickError('issue_limit', `${credential.name} was issued too often in this minute`, {
        retryAfterMs: 60_000 - (clock.monotonicMs() % 60_000),
      });
    }
  };
  const jitter = (): number => random.uniform() * 2 - 1;
  const makeLease = async ({ key, jkt, peer, notAfterMs }: LeaseAsk, maker: Maker): Promise<Lease | undefined> => {
    takeIssue(key);
    // Whole seconds, as a token carries them; rounded so that the lease never outlives what it is for.
    const issuedAt = Math.floor(clock.nowMs() / 1000);
    const last = Math.floor(notAfterMs / 1000);
    // It ended since it was decided upon.
    if (last <= issuedAt) return undefined;
    const asked = Math.min(issuedAt + Math.floor(key.credential.lifetimeMs / 1000), last);
    const id = leaseId(clock, random);
    const { expiresAtMs = asked * 1000, ...made } = await maker.mint({ leaseId: id, issuedAt, expiresAt: asked });
    const end = Math.min(Math.floor(expiresAtMs / 1000), last);
    const lifetime = { issuedAtMs: issuedAt * 1000, expiresAtMs: Math.max(end, issuedAt + 1) * 1000 };
    const instant = made.upstream?.renewableUntilMs === undefined ? rotationInstant : renewalInstant;
    const rotateAtMs = instant(lifetime, jitter(), key.credential.floorMs);
    const holders = new Map([[jkt, peer]]);
    return { id, key, ...made, ...lifetime, rotateAtMs, holders, revoked: false, stale: false };
  };
  /** Extends a lease; false where a new one is needed nevertheless. */
  const extend = async (lease: Lease, { notAfterMs }: LeaseAsk, maker: Maker): Promise<boolean> => {
    const renewedAtMs = clock.nowMs();
    try {
      const untilMs = Math.min(await maker.renew(lease), notAfterMs);
      const expiresAtMs = Math.floor(untilMs / 1000) * 1000;
      const lifetime = { issuedAtMs: renewedAtMs, expiresAtMs };
      const isLonger = expiresAtMs > lease.expiresAtMs;
      // An upstream that says of a renewal that it ends earlier than it said before does so.
      const instantMs = isLonger ? renewalInstant(lifetime, jitter(), lease.key.credential.floorMs) : lease.rotateAtMs;
      table.extend(lease, expiresAtMs, instantMs);
      setEnd(lease);
      return isLonger;
    } catch (error) {
      // It is gone upstream: what is held is worthless, whatever its time says.
      if (!TallystickError.is(error) || error.code !== 'upstream_not_found') throw error;
      drop(lease);
      abandoned(lease);
      return false;
    }
  };
  const run = async (text: string, own: Mint, ask: LeaseAsk, maker: Maker): Promise<Obtained | undefined> => {
    const before = table.byKey(text);
    try {
      if (isGood(before) && isExtendable(before) && (await extend(before, ask, maker))) {
        if (mints.get(text) !== own || before.revoked) return undefined;
        join(before, ask);
        return { lease: before, source: 'cache', replaced: undefined };
      }
      const lease = await makeLease(ask, maker);
      if (!lease) return undefined;
      // Taken back meanwhile; or so slow that it ended before it began; or its times are those of a clock set back since.
      if (mints.get(text) !== own || clock.nowMs() >= lease.expiresAtMs || isAhead(lease)) {
        abandoned(lease);
        return undefined;
      }
      setEnd(lease);
      table.add(text, lease);
      return { lease, source: 'minted', replaced: before };
    } catch (error) {
      if (mints.get(text) !== own) return undefined;
      if (isGood(before) && !isAsk(error)) {
        join(before, ask);
        return { lease: before, source: 'cache', replaced: undefined, failure: error };
      }
      throw error;
    } finally {
      if (mints.get(text) === own) mints.delete(text);
    }
  };
  const leave = (lease: Lease, jkt: string): number => {
    const left = table.leave(lease, jkt);
    if (left === 0 && lease.upstream && !lease.revoked) {
      drop(lease);
      abandoned(lease);
    }
    return left;
  };
  const drop = (lease: Lease): void => {
    lease.revoked = true;
    table.remove(lease);
    if (lease.key.credential.type !== 'x509') return;
    // A token that is being made for this certificate is good no more.
    for (const [text, { key }] of mints) if (certificateOf({ key }) === lease.id) mints.delete(text);
  };
  const revoke = (leases: readonly Lease[]): void => {
    for (const lease of leases) {
      drop(lease);
      mints.delete(leaseKeyText(lease.key));
    }
  };

  const share = async (mint: Mint, ask: LeaseAsk): Promise<Obtained | undefined> => {
    const shared = await mint.result;
    if (!shared || shared.lease.revoked) return undefined;
    join(shared.lease, ask);
    return { lease: shared.lease, source: 'cache', replaced: undefined };
  };
  /** Resolves as `made` does, or to what is held where that takes too long. */
  const orHeld = (
    made: Promise<Obtained | undefined>,
    held: Lease | undefined,
    ask: LeaseAsk,
  ): Promise<Obtained | undefined> => {
    if (!isGood(held)) return made;
    const served = Promise.withResolvers<Obtained>();
    let isLate = false;
    const timer = timers.after(PATIENCE_MS, () => {
      if (!isGood(held) || !hasRoom(held, ask.jkt)) return;
      isLate = true;
      join(held, ask);
      served.resolve({ lease: held, source: 'cache', replaced: undefined });
    });
    const settled = made.finally(() => timer.cancel());
    settled.then(
      (obtained) => {
        if (isLate && obtained?.replaced) untold.set(obtained.lease, obtained.replaced);
      },
      // Whoever was served the old one asks again; all others are told.
      () => {},
    );
    return Promise.race([settled, served.promise]);
  };

  return {
    async obtain(ask, maker) {
      const text = leaseKeyText(ask.key);
      const held = table.byKey(text);
      if (isGood(held) && !held.stale && clock.nowMs() < held.rotateAtMs) {
        join(held, ask);
        const replaced = untold.get(held);
        untold.delete(held);
        return { lease: held, source: 'cache', replaced };
      }
      const running = mints.get(text);
      if (running) return orHeld(share(running, ask), held, ask);
      const own: Mint = { key: ask.key, result: Promise.resolve(undefined) };
      // In the map before it runs: a mint that fails at once takes itself out again.
      mints.set(text, own);
      own.result = run(text, own, ask, maker);
      return orHeld(own.result, held, ask);
    },
    revoke,
    revokeWhere(selects) {
      const chosen = [...table.all()].filter(selects);
      revoke(chosen);
      for (const [text, mint] of mints) if (selects(mint)) mints.delete(text);
      return chosen;
    },
    leave,
  };
}

/** What its upstream has ended, or will not extend past its present end, is replaced. */
function isExtendable({ stale, upstream, expiresAtMs }: Lease): boolean {
  return !stale && (upstream?.renewableUntilMs ?? 0) > expiresAtMs;
}

/** True where the workload has to add something first: served the old one instead, it never would. */
function isAsk(error: unknown): boolean {
  return TallystickError.is(error) && error.code === 'upstream_proof_required';
}
