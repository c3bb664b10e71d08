import { bodyHash, createProof, type HolderKey } from '@tallystick/dpop';
import { createOneTimeKey, formatCredentialRequest, HEADERS } from '@tallystick/protocol';
import { ISSUER } from '../../daemon/daemon.ts';
import type { WantedCredential } from './commands.ts';

// One for all requests of this client: what is measured is the sidecar, which makes a key for each.
const { jwk: sealTo } = createOneTimeKey();

/** Returns the bytes of one `POST /v1/credentials/{name}`, with a proof of its own. */
export function credentialRequest(key: HolderKey, nonce: string | undefined, wanted: WantedCredential): Buffer {
  const { name, type, identity, run } = wanted;
  const path = `/v1/credentials/${name}`;
  const body = formatCredentialRequest({
    type,
    sealTo,
    process: run === undefined ? undefined : { id: 'BP-1042', run },
  });
  const url = `${ISSUER}${path}`;
  const proof = createProof(key, { method: 'POST', url, iat: Date.now() / 1000, nonce, bth: bodyHash(body) });
  const named = identity === undefined ? '' : `${HEADERS.identity}: ${identity}\r\n`;
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: ${new URL(ISSUER).host}\r\nDPoP: ${proof}\r\n${named}` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    'latin1',
  );
}
