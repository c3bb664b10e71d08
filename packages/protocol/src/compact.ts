import { isUtf8 } from 'node:buffer';
import { fault, readJson, type Members } from './read.ts';

/**
 * Returns the bytes of one part of a compact JWE or JWS. Its text must be the one base64url form of them (RFC 7515 §2):
 * no padding, nothing outside the alphabet, no stray bits at the end.
 *
 * @throws {TallystickError} `protocol_error`
 */
export function decodePart(part: string, what: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  // Encoding it again costs less than a regular expression over it.
  if (bytes.toString('base64url') !== part) throw fault(what, 'is not canonical base64url');
  return bytes;
}

/**
 * Reads the header of a compact JWE or JWS.
 *
 * @throws {TallystickError} `protocol_error`
 */
export function readHeader(part: string, what: string): Members {
  return readJson(decodeText(part, what), `header of the ${what}`);
}

/** Returns the text of one part, which must be UTF-8. */
export function decodeText(part: string, what: string): string {
  const bytes = decodePart(part, what);
  if (!isUtf8(bytes)) throw fault(what, 'is not UTF-8');
  return bytes.toString();
}
