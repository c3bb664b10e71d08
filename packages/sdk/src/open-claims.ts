/** What a token shows to everybody. Nothing of it is verified. */
export interface OpenClaims {
  readonly sub?: unknown;
  /** What it is bound to (RFC 7800 §3): a key (RFC 9449 §6.1), a certificate (RFC 8705 §3.1). */
  readonly cnf?: Readonly<Record<string, unknown>>;
}

/** Returns what a token shows; nothing where it is no JWT. */
export function openClaims(token: string): OpenClaims {
  const parts = token.split('.');
  if (parts.length !== 3) return {};
  try {
    const claims = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString()) as Record<string, unknown> | null;
    const cnf = claims?.cnf;
    return {
      sub: claims?.sub,
      ...(typeof cnf === 'object' && cnf !== null && { cnf: cnf as Record<string, unknown> }),
    };
  } catch {
    return {};
  }
}
