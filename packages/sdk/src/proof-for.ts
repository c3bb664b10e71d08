import { createProof } from '@tallystick/dpop';
import type { HeldToken } from './held-token.ts';
import type { Holder } from './holder.ts';

/** Returns a new proof for one request to an API with a token (RFC 9449 §7). Every attempt needs its own. */
export function proofFor(holder: Holder, held: HeldToken, method: string, url: URL, nonce: string | undefined): string {
  return createProof(holder.key, { method, url, iat: holder.memory.issuedAt(url.origin), nonce, ath: held.ath });
}
