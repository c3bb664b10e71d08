import { systemRandom } from '@tallystick/core';
import { createIssueCap } from '../../src/lease/issue-cap.ts';
import {
  createLeaseManager,
  type LeaseManager,
  type Maker,
  type Minted,
  type MintRequest,
  type Obtained,
} from '../../src/lease/lease-manager.ts';
import type { Lease, LeaseKey } from '../../src/lease/lease.ts';
import { createLeaseTable, type LeaseTable } from '../../src/lease/lease-table.ts';
import { credential, peer } from '../acme.ts';
import { manualTime, type ManualTime } from '../manual-time.ts';

/** A mint under way, to be ended by the test. */
export interface OpenMint extends MintRequest {
  succeed(made?: Partial<Minted>): void;
  fail(error?: unknown): void;
}

/** A lease manager whose issuer is the test. */
export interface Leases {
  readonly time: ManualTime;
  readonly table: LeaseTable;
  readonly manager: LeaseManager;
  /** Every mint that was begun. */
  readonly mints: OpenMint[];
  /** What nobody can have any more while its upstream keeps it. */
  readonly abandoned: Lease[];
  /** Asks for the lease of a key, named by its `jkt`. The mint stays open until the test ends it. */
  ask(jkt?: string, key?: Partial<LeaseKey>, notAfterMs?: number): Promise<Obtained | undefined>;
  /** Asks, and lets the mint succeed if one was begun. */
  get(jkt?: string, key?: Partial<LeaseKey>, notAfterMs?: number): Promise<Obtained>;
}

export function leases(options: { perMinute?: number; leasesPerIdentity?: number } = {}): Leases {
  const time = manualTime();
  const table = createLeaseTable({ clock: time, timers: time });
  const abandoned: Lease[] = [];
  const manager = createLeaseManager({
    table,
    cap: createIssueCap({ clock: time, perMinute: options.perMinute ?? 1000 }),
    clock: time,
    timers: time,
    random: systemRandom,
    abandoned: (lease) => abandoned.push(lease),
    ...(options.leasesPerIdentity !== undefined && { leasesPerIdentity: options.leasesPerIdentity }),
  });
  const mints: OpenMint[] = [];
  const mint = (request: MintRequest): Promise<Minted> => {
    const { promise, resolve, reject } = Promise.withResolvers<Minted>();
    const token: Minted = {
      material: { token: `token of ${request.leaseId}`, audience: '', scope: '' },
      binding: 'dpop',
      handles: {},
      upstream: undefined,
    };
    mints.push({
      ...request,
      succeed: (made) => resolve({ ...token, ...made }),
      fail: (error) => reject(error),
    });
    return promise;
  };
  const maker: Maker = {
    mint,
    renew: (lease) => lease.upstream!.provider.renew!('', {} as never).then(({ expiresAtMs }) => expiresAtMs),
  };
  const ask: Leases['ask'] = (jkt = 'key-1', key = {}, notAfterMs = Number.MAX_SAFE_INTEGER) =>
    manager.obtain({ key: keyOf(jkt, key), jkt, peer: peer(), notAfterMs }, maker);
  return {
    time,
    table,
    manager,
    mints,
    abandoned,
    ask,
    async get(jkt, key, notAfterMs) {
      const before = mints.length;
      const asked = ask(jkt, key, notAfterMs);
      mints[before]?.succeed();
      const obtained = await asked;
      if (!obtained) throw new Error('nothing was obtained');
      return obtained;
    },
  };
}

/** The key of a lease of `close-batch`. */
export function keyOf(jkt: string, key: Partial<LeaseKey> = {}): LeaseKey {
  return {
    identity: 'spiffe://acme.example/close-batch',
    credential: LEDGER,
    scope: ['journal.write'],
    jkt,
    process: undefined,
    run: undefined,
    subject: undefined,
    ...key,
  };
}

const LEDGER = credential('ledger-api');
