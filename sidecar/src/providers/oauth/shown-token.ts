/** What can be seen of an access token. Its signature is for the API to verify: the server's word is taken for it here. */
export interface ShownToken {
  /** Thumbprint of the key that it is bound to. */
  readonly jkt: string | undefined;
  readonly audiences: readonly string[];
  readonly jti: string | undefined;
  /** RFC 9068 §2.2.3 */
  readonly scope: string | undefined;
  /** Seconds since the epoch. */
  readonly exp: number | undefined;
}

/** Returns what an access token says that is a JWS of a JSON object; undefined where it is opaque. */
export function showToken(token: string): ShownToken | undefined {
  const parts = token.split('.', 4);
  if (parts.length !== 3) return undefined;
  const [header, claims] = [decode(parts[0]!), decode(parts[1]!)];
  if (typeof header?.alg !== 'string' || !claims) return undefined;
  const { cnf, aud, jti, scope, exp } = claims;
  const { jkt } = (typeof cnf === 'object' && cnf !== null ? cnf : {}) as Record<string, unknown>;
  return {
    jkt: typeof jkt === 'string' ? jkt : undefined,
    audiences: (Array.isArray(aud) ? aud : [aud]).filter((item): item is string => typeof item === 'string'),
    jti: typeof jti === 'string' ? jti : undefined,
    scope: typeof scope === 'string' ? scope : undefined,
    exp: typeof exp === 'number' && Number.isFinite(exp) ? exp : undefined,
  };
}

function decode(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
