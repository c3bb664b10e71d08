/** What a token shows to everybody. Nothing of it is verified. */
export interface OpenClaims {
  readonly sub?: unknown;
  /** The thumbprint of the key that it is bound to (RFC 9449 §6.1). */
  readonly jkt?: unknown;
}

/** Returns what a token shows; nothing where it is no JWT. */
export function openClaims(token: string): OpenClaims {
  const parts = token.split('.');
  if (parts.length !== 3) return {};
  try {
    const claims = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString()) as Record<string, unknown> | null;
    return { sub: claims?.sub, jkt: (claims?.cnf as { jkt?: unknown } | undefined)?.jkt };
  } catch {
    return {};
  }
}
