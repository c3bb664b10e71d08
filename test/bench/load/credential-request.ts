import { bodyHash, createProof, type HolderKey } from '@tallystick/dpop';
import { createOneTimeKey, formatCredentialRequest } from '@tallystick/protocol';
import { ISSUER } from '../../daemon/daemon.ts';

// One for all requests of this client: what is measured is the sidecar, which makes a key for each.
const { jwk: sealTo } = createOneTimeKey();

/** Returns the bytes of one `POST /v1/credentials/{name}`, with a proof of its own. */
export function credentialRequest(key: HolderKey, nonce: string | undefined, name: string, type: 'secret'): Buffer {
  const path = `/v1/credentials/${name}`;
  const body = formatCredentialRequest({ type, sealTo });
  const url = `${ISSUER}${path}`;
  const proof = createProof(key, { method: 'POST', url, iat: Date.now() / 1000, nonce, bth: bodyHash(body) });
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: ${new URL(ISSUER).host}\r\nDPoP: ${proof}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    'latin1',
  );
}
