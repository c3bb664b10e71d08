import { findChallenge } from './challenge.ts';
import type { CredentialSource } from './credential-source.ts';
import type { HeldToken } from './held-token.ts';
import type { ResourceMemory } from './resource-memory.ts';

/** What makes it worth while to send a refused request once more. */
export type Remedy = 'nonce' | 'clock' | 'token';

/** An API's answer 401, as far as it matters here. */
export interface Unauthorized {
  /** `WWW-Authenticate` */
  readonly challenge: string | null | undefined;
  /** The nonce that came with it. */
  readonly nonce: string | undefined;
  /** `Date` */
  readonly date: string | null | undefined;
}

/** What was sent, and where what is learned goes. */
export interface SentRequest {
  readonly origin: string;
  /** How the token was shown. */
  readonly scheme: 'DPoP' | 'Bearer';
  readonly nonce: string | undefined;
  readonly held: HeldToken;
  readonly source: CredentialSource<HeldToken>;
  readonly memory: ResourceMemory;
}

/**
 * Learns from an answer 401 and returns what was learned: another nonce (RFC 9449 §9), that the clocks differ, that
 * the token is no longer good (RFC 6750 §3.1). Undefined where a second attempt would end as the first, or where
 * that was `tried` for this request.
 */
export function learnFromRefusal(
  answer: Unauthorized,
  sent: SentRequest,
  tried: readonly Remedy[],
): Remedy | undefined {
  const error = findChallenge(answer.challenge ?? '', sent.scheme)?.get('error');
  // Without a proof, nothing but the token can be another.
  if (sent.scheme === 'Bearer' && error !== 'invalid_token') return undefined;
  switch (error) {
    case 'use_dpop_nonce':
      if (tried.includes('nonce') || answer.nonce === undefined || answer.nonce === sent.nonce) return undefined;
      return 'nonce';
    case 'invalid_dpop_proof':
      return !tried.includes('clock') && sent.memory.learnClock(sent.origin, answer.date) ? 'clock' : undefined;
    case 'invalid_token':
      return !tried.includes('token') && sent.source.refused(sent.held) ? 'token' : undefined;
    default:
      return undefined;
  }
}
