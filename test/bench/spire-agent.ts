import type { Measured } from './figure.ts';

type FixedPeer = NonNullable<Measured['peer']>;

const FETCH = 'SPIRE agent `FetchJWTSVID`, not recorded';

/**
 * A SPIRE agent of 2026-08, which could not be had here, on a machine of this kind: a JWT-SVID from its cache by gRPC over
 * a Unix socket, its caller attested by uid.
 */
export const SPIRE_AGENT: Readonly<Record<'p50Ms' | 'p99Ms' | 'perSecond' | 'rssMb', FixedPeer>> = {
  p50Ms: { of: FETCH, value: 0.61, fixed: true },
  /** Of 64 connections. */
  p99Ms: { of: FETCH, value: 31, fixed: true },
  /** From 64 connections. */
  perSecond: { of: FETCH, value: 4700, fixed: true },
  rssMb: { of: 'SPIRE agent', value: 72, fixed: true },
};
