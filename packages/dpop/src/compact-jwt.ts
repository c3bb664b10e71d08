import { isUtf8 } from 'node:buffer';
import { ProofError } from './proof-fault.ts';

/** Returns the three parts of a compact JWT, not yet decoded (RFC 7515 §7.1). */
export function splitCompact(jwt: string): [header: string, payload: string, signature: string] {
  const parts = jwt.split('.', 4);
  if (parts.length !== 3) throw new ProofError('malformed', 'the DPoP header is not one compact JWT');
  return parts as [string, string, string];
}

/**
 * Returns the bytes of one part. Its text must be the one base64url form of them (RFC 7515 §2, RFC 4648 §3.5): no
 * padding, nothing outside the alphabet, no stray bits at the end.
 */
export function decodePart(part: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  // Encoding it again costs less than a regular expression over it.
  if (bytes.toString('base64url') !== part) throw new ProofError('malformed', 'the proof is not canonical base64url');
  return bytes;
}

/** Parses a JSON object. Of a member given twice the last counts (RFC 7515 §4). */
export function parseObject(bytes: Buffer, part: 'header' | 'payload'): Record<string, unknown> {
  if (!isUtf8(bytes)) throw new ProofError('malformed', `the ${part} of the proof is not UTF-8`);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new ProofError('malformed', `the ${part} of the proof is not JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProofError('malformed', `the ${part} of the proof is not a JSON object`);
  }
  return value as Record<string, unknown>;
}
