import { createProof } from '@tallystick/dpop';
import type { ProvableToken } from './held-token.ts';
import type { Holder } from './holder.ts';

/** One request to an API. */
export interface ProvenRequest {
  readonly method: string;
  readonly url: URL;
  /** That of the URL: to make it out costs more than to pass it on. */
  readonly origin: string;
  readonly nonce: string | undefined;
}

/** Returns a new proof for one request with a token (RFC 9449 §7), and counts the use. Every attempt needs its own. */
export function proofFor(holder: Holder, held: ProvableToken, { method, url, origin, nonce }: ProvenRequest): string {
  const iat = holder.memory.issuedAt(origin);
  const proof = createProof(held.key, { method, url, iat, nonce, ath: held.ath });
  holder.usage.count(held, origin);
  return proof;
}
