import { createProof, type HolderKey } from '@tallystick/dpop';
import { ISSUER } from '../../daemon/daemon.ts';
import type { Answer, Wire } from './wire.ts';

/** Returns the bytes of one `POST /token`, with a proof of its own. */
export function tokenRequest(key: HolderKey, nonce: string | undefined, identity?: string): Buffer {
  const proof = createProof(key, { method: 'POST', url: `${ISSUER}/token`, iat: Date.now() / 1000, nonce });
  const body = `grant_type=client_credentials${identity === undefined ? '' : `&client_id=${encodeURIComponent(identity)}`}`;
  return Buffer.from(
    `POST /token HTTP/1.1\r\nHost: ${new URL(ISSUER).host}\r\nDPoP: ${proof}\r\n` +
      `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    'latin1',
  );
}

/** Asks until there is a token, and returns the nonce of the answer: what the next proofs are made with. */
export async function leaseToken(wire: Wire, key: HolderKey, identity?: string): Promise<string> {
  const first = await wire.exchange(tokenRequest(key, undefined, identity));
  const second = await wire.exchange(tokenRequest(key, nonceOf(first), identity));
  requireToken(second);
  return nonceOf(second);
}

/** Returns the nonce that an answer hands out. */
export function nonceOf(answer: Answer): string {
  const nonce = answer.header('dpop-nonce');
  if (nonce === undefined) throw new Error(`no nonce came with ${answer.status} ${answer.body()}`);
  return nonce;
}

/** Throws where a request for a token was refused. */
export function requireToken(answer: Answer): void {
  if (answer.status !== 200) throw new Error(`no token: ${answer.status} ${answer.body()}`);
}
