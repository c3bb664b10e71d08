import { createPublicKey, sign, type KeyObject } from 'node:crypto';
import { bitString, objectIdentifier, sequence, smallInteger, tagged } from './der.ts';

/** ecdsa-with-SHA256 (RFC 5758 §3.2): no parameters. */
const ECDSA_WITH_SHA256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));

/**
 * Returns the DER of a certificate request for a P-256 key, signed by it (PKCS#10, RFC 2986 §4). It names nobody and asks
 * for no extension: who it is for is the sidecar's to say.
 */
export function certificateRequest(privateKey: KeyObject): Buffer {
  const nobody = sequence();
  const noAttributes = tagged(0);
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const information = sequence(smallInteger(0), nobody, publicKey, noAttributes);
  return sequence(information, ECDSA_WITH_SHA256, bitString(sign('sha256', information, privateKey)));
}
