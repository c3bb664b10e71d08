import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { TallystickError } from '@tallystick/core';
import { readElements, type Element } from './read-der.ts';

/** `ecdsa-with-SHA256` (RFC 5758 §3.2), as an algorithm identifier. */
const ECDSA_SHA256 = Buffer.from('300a06082a8648ce3d040302', 'hex');
/** What stands before the coordinates of a key on P-256: the curve by its name (RFC 5480 §2.1.1), a point in full. */
const P256 = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');

/**
 * Returns the public key of a certificate request (RFC 2986): one on P-256, that has signed the request itself. Whatever
 * else a request may ask for, names above all, is not the workload's to say.
 *
 * @throws {TallystickError} `csr_refused`
 */
export function keyOfRequest(der: Buffer): KeyObject {
  try {
    const { info, spki, algorithm, signature } = parts(der);
    if (!algorithm.whole.equals(ECDSA_SHA256)) throw new RangeError('it is not signed with ECDSA and SHA-256');
    if (!spki.whole.subarray(0, P256.length).equals(P256)) throw new RangeError('its key is not on P-256');
    const key = createPublicKey({ key: spki.whole, format: 'der', type: 'spki' });
    // The first byte says how many bits at the end are none: all are.
    if (signature.tag !== 0x03 || signature.content[0] !== 0) throw new RangeError('its signature is none');
    if (!verify('sha256', info.whole, key, signature.content.subarray(1))) {
      throw new RangeError('it is not signed by the key that it is for');
    }
    return key;
  } catch (error) {
    throw new TallystickError('csr_refused', `the certificate request is refused: ${reasonOf(error)}`);
  }
}

function parts(der: Buffer): { info: Element; spki: Element; algorithm: Element; signature: Element } {
  const [request, after] = readElements(der);
  const [info, algorithm, signature, more] = readElements(requireSequence(request));
  const [version, subject, spki, attributes, ...others] = readElements(requireSequence(info));
  if (after || more || others.length > 0 || !algorithm || !signature || !spki) throw new RangeError('it is malformed');
  if (version?.tag !== 0x02 || version.content.length !== 1 || version.content[0] !== 0) {
    throw new RangeError('it is of another version');
  }
  if (requireSequence(subject).length > 0) throw new RangeError('it names a subject');
  if (attributes && (attributes.tag !== 0xa0 || attributes.content.length > 0)) {
    throw new RangeError('it asks for attributes');
  }
  return { info: info!, spki, algorithm, signature };
}

function requireSequence(element: Element | undefined): Buffer {
  if (element?.tag !== 0x30) throw new RangeError('it is malformed');
  return element.content;
}

// What OpenSSL says of bytes is no help, and may repeat them.
function reasonOf(error: unknown): string {
  return error instanceof RangeError ? error.message : 'its key cannot be read';
}
