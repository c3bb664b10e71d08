import { systemClock, systemRandom, systemTimers, type Clock, type Random, type Timers } from '@tallystick/core';
import { createMemoryReplayStore, type ReplayStore } from '@tallystick/dpop';
import {
  parseClientCertificate,
  type CertificateThumbprint,
  type ClientCertificateSource,
} from './client-certificate.ts';
import { misconfigured, requireKnownOptions } from './misconfigured.ts';
import type { ProofWindow } from './proof-check.ts';
import { parsePublicOrigins, type PublicOrigin, type PublicOriginOptions } from './public-origin.ts';
import { parseReceipts, type ReceiptOptions, type ReceiptSettings } from './receipt-options.ts';
import { parseIssuers, type IssuerSettings, type TrustedIssuer } from './trusted-issuer.ts';

/** The inputs of {@link createVerifier}. */
export interface VerifierOptions {
  /** Whose tokens are accepted, and for whom each may speak. */
  readonly issuers: readonly TrustedIssuer[];
  /** The `aud` of this API. A token needs one of them. */
  readonly audience: string | readonly string[];
  /**
   * The URLs under which clients reach this API: what a proof must name. `Host` and `X-Forwarded-Host` may select one
   * of them. Plain http only on loopback addresses.
   */
  readonly publicOrigins: readonly (string | PublicOriginOptions)[];
  /**
   * Remembers the proofs that were used. Default: this process's memory, which is right for ONE replica: behind a
   * load balancer a stolen proof would be good once at each. See {@link createRedisReplayStore}.
   */
  readonly replayStore?: ReplayStore;
  /** How old, and how far ahead of our clock, a proof may be. Default 60 s and 10 s; at most 300 s and 60 s. */
  readonly proofWindow?: Partial<ProofWindow>;
  /**
   * At least 32 random bytes, the same at every replica. Present: each proof must carry a nonce made from it, so that
   * none can be made in advance, and the client's clock does not matter. Costs the first request of a client one more
   * round trip.
   */
  readonly nonceSecret?: Uint8Array;
  /** Named in the metadata (RFC 9728 §2). */
  readonly scopesSupported?: readonly string[];
  /**
   * The file in which this API keeps receipts: which token it accepted or refused, how often and when, one line for each
   * token, kind of request and verdict in an interval. `tallystick audit reconcile` compares them with the record.
   */
  readonly receipts?: string | URL | ReceiptOptions;
  /** Seconds for which the last good keys of an issuer are gone by while it is out of reach. Default 3,600. */
  readonly maxKeyAgeSeconds?: number;
  /** Tokens whose signature need not be checked again. Default 5,000, of about 2 kB each. */
  readonly maxCachedTokens?: number;
  /**
   * True: tokens that are bound to no key are accepted as `Bearer`, from whoever has them. A token that is bound is
   * still refused without its proof.
   */
  readonly dangerouslyAcceptBearerTokens?: boolean;
  /**
   * Where the certificate of a client is found. Present: tokens that are bound to a certificate (`x5t#S256`, RFC 8705 §3)
   * are accepted from who shows that certificate; those that are bound to a key as well still need their proof.
   */
  readonly clientCertificate?: ClientCertificateSource;
  readonly clock?: Clock;
  readonly timers?: Timers;
  readonly random?: Random;
}

/** The options with their defaults. */
export interface VerifierSettings {
  readonly issuers: readonly IssuerSettings[];
  readonly audiences: readonly string[];
  readonly publicOrigins: readonly PublicOrigin[];
  readonly replayStore: ReplayStore;
  readonly proofWindow: ProofWindow;
  readonly nonceSecret: Uint8Array | undefined;
  readonly scopesSupported: readonly string[] | undefined;
  readonly receipts: ReceiptSettings | undefined;
  readonly maxKeyAgeMs: number;
  readonly maxCachedTokens: number;
  readonly acceptsBearer: boolean;
  readonly certificateOf: CertificateThumbprint | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
}

const VERIFIER_OPTIONS: Readonly<Record<keyof VerifierOptions, true>> = {
  issuers: true,
  audience: true,
  publicOrigins: true,
  replayStore: true,
  proofWindow: true,
  nonceSecret: true,
  scopesSupported: true,
  receipts: true,
  maxKeyAgeSeconds: true,
  maxCachedTokens: true,
  dangerouslyAcceptBearerTokens: true,
  clientCertificate: true,
  clock: true,
  timers: true,
  random: true,
};

/** @throws {TallystickError} `verifier_misconfigured` */
export function parseOptions(options: VerifierOptions): VerifierSettings {
  requireKnownOptions(options, VERIFIER_OPTIONS);
  const { clock = systemClock, timers = systemTimers, random = systemRandom } = options;
  const { maxKeyAgeSeconds = 3_600, maxCachedTokens = 5_000, nonceSecret } = options;
  if (nonceSecret && !(nonceSecret.length >= 32)) throw misconfigured('"nonceSecret" must have at least 32 bytes');
  requireNumber('maxKeyAgeSeconds', maxKeyAgeSeconds, 300, 86_400);
  requireNumber('maxCachedTokens', maxCachedTokens, 1, 10_000_000);
  return {
    issuers: parseIssuers(options.issuers),
    audiences: parseAudience(options.audience),
    publicOrigins: parsePublicOrigins(options.publicOrigins),
    replayStore: options.replayStore ?? createMemoryReplayStore({ clock, random }),
    proofWindow: parseWindow(options.proofWindow),
    nonceSecret,
    scopesSupported: options.scopesSupported,
    receipts: options.receipts === undefined ? undefined : parseReceipts(options.receipts),
    maxKeyAgeMs: maxKeyAgeSeconds * 1000,
    maxCachedTokens,
    acceptsBearer: options.dangerouslyAcceptBearerTokens === true,
    certificateOf: parseClientCertificate(options.clientCertificate),
    clock,
    timers,
    random,
  };
}

function parseAudience(audience: string | readonly string[] | undefined): readonly string[] {
  const audiences = typeof audience === 'string' ? [audience] : (audience ?? []);
  if (audiences.length === 0 || audiences.includes('')) throw misconfigured('"audience" must be the "aud" of this API');
  return audiences;
}

function parseWindow(window: Partial<ProofWindow> = {}): ProofWindow {
  requireKnownOptions(window, { pastSeconds: true, futureSeconds: true }, 'proofWindow');
  const { pastSeconds = 60, futureSeconds = 10 } = window;
  requireNumber('proofWindow.pastSeconds', pastSeconds, 1, 300);
  requireNumber('proofWindow.futureSeconds', futureSeconds, 0, 60);
  return { pastSeconds, futureSeconds };
}

function requireNumber(name: string, value: number, least: number, most: number): void {
  if (!(value >= least && value <= most)) throw misconfigured(`"${name}" must be a number from ${least} to ${most}`);
}
