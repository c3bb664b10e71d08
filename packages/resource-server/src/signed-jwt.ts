import { compactVerify, decodeJwt, decodeProtectedHeader } from 'jose';
import { Fault } from './fault.ts';
import type { IssuerKey } from './key-set.ts';
import type { KeySource } from './key-source.ts';
import { isTokenAlgorithm, type TokenAlgorithm } from './token-algorithm.ts';

/** A JWT taken apart. Nothing in it is believed before {@link checkSignature}. */
export interface Envelope {
  readonly jwt: string;
  readonly typ: unknown;
  readonly alg: TokenAlgorithm;
  readonly kid: string | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
}

/**
 * Takes a JWT apart.
 *
 * @throws {Fault} `token_malformed`, `token_alg`
 */
export function openEnvelope(jwt: string): Envelope {
  const { header, claims } = decode(jwt);
  const { typ, alg, kid, crit, b64 } = header;
  if (!isTokenAlgorithm(alg)) throw new Fault('token_alg', '"alg" of the token is not one that is accepted');
  // RFC 7515 §4.1.11; RFC 7797 §7 forbids "b64" in a JWT.
  if (crit !== undefined || b64 !== undefined) {
    throw new Fault('token_malformed', 'the token asks for an extension, and none is understood');
  }
  if (kid !== undefined && typeof kid !== 'string') {
    throw new Fault('token_malformed', '"kid" of the token is not a text');
  }
  return { jwt, typ, alg, kid, claims };
}

function decode(jwt: string): Record<'header' | 'claims', Readonly<Record<string, unknown>>> {
  try {
    return { header: decodeProtectedHeader(jwt), claims: decodeJwt(jwt) };
  } catch {
    throw new Fault('token_malformed', 'the token is not a signed JWT');
  }
}

/**
 * Checks the signature with the key that the envelope means. Times and names are left to the caller.
 *
 * @returns The key that vouches for the claims.
 * @throws {Fault} `token_key`, `keys_unavailable`, `token_signature`
 */
export async function checkSignature({ jwt, alg, kid }: Envelope, keys: KeySource): Promise<IssuerKey> {
  const key = await keys.find({ alg, kid });
  try {
    await compactVerify(jwt, await key.import(alg), { algorithms: [alg] });
  } catch (cause) {
    throw new Fault('token_signature', 'the signature of the token does not verify', cause);
  }
  return key;
}
