/**
 * Returns the bytes of standard base64 with padding (RFC 4648 §4), or undefined where the text is not exactly what
 * those bytes are written as. A signed text has one spelling, so that nobody can change it unseen.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** Returns the 32 bytes of a hash in base64, or undefined where the text is no such hash. */
export function decodeHash(text: string): Buffer | undefined {
  const bytes = text.length === 44 ? decodeBase64(text) : undefined;
  return bytes?.length === 32 ? bytes : undefined;
}
