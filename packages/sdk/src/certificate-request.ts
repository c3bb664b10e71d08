import { createPublicKey, sign, type KeyObject } from 'node:crypto';
import { DER } from '@tallystick/core';

/** ecdsa-with-SHA256 (RFC 5758 §3.2): no parameters. */
const ECDSA_WITH_SHA256 = DER.sequence(DER.objectIdentifier('1.2.840.10045.4.3.2'));

/**
 * Returns the DER of a certificate request for a P-256 key, signed by it (PKCS#10, RFC 2986 §4). It names nobody and asks
 * for no extension: who it is for is the sidecar's to say.
 */
export function certificateRequest(privateKey: KeyObject): Buffer {
  const nobody = DER.sequence();
  const noAttributes = DER.tagged(0, Buffer.alloc(0), 'constructed');
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const information = DER.sequence(DER.unsigned(Buffer.of(0)), nobody, publicKey, noAttributes);
  return DER.sequence(information, ECDSA_WITH_SHA256, DER.bitString(sign('sha256', information, privateKey)));
}
