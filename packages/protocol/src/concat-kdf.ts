import { hash } from 'node:crypto';

/** For which cipher, and between whom, a key is derived (RFC 7518 §4.6.2). */
export interface DerivedFor {
  /** The `enc` of the header: with direct key agreement it is the algorithm of the key. */
  readonly enc: string;
  /** Length of the key, at most 256: one round of SHA-256 gives no more. */
  readonly bits: number;
  /** PartyUInfo and PartyVInfo: who takes part, where that is named. */
  readonly apu?: string;
  readonly apv?: string;
}

/** Returns the key that the Concat KDF derives from a shared secret (NIST SP 800-56A §5.8.1, RFC 7518 §4.6.2). */
export function concatKdf(secret: Uint8Array, { enc, bits, apu = '', apv = '' }: DerivedFor): Buffer {
  const otherInfo = [prefixed(enc), prefixed(apu), prefixed(apv), uint32(bits)];
  return hash('sha256', Buffer.concat([uint32(1), secret, ...otherInfo]), 'buffer').subarray(0, bits / 8);
}

function prefixed(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
