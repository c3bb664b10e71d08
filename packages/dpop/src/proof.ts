import { randomFillSync } from 'node:crypto';
import { accessTokenHash } from './hashes.ts';
import { htuOf } from './htu.ts';
import type { HolderKey } from './key.ts';

/** What a proof is made for. */
export interface ProofRequest {
  /** The HTTP method, as it will be sent. Case matters. */
  readonly method: string;
  /** The target; query and fragment are left out of the proof. */
  readonly url: string | URL;
  /** Seconds since the epoch, by the server's clock as far as it is known. */
  readonly iat: number;
  /** The newest nonce of that server, once it gave one. */
  readonly nonce?: string | undefined;
  /** The token that goes with the request to a resource server: gives `ath`. */
  readonly accessToken?: string | undefined;
  /** The `ath` itself, where the caller has kept it. Wins over `accessToken`. */
  readonly ath?: string | undefined;
  /** Binds the request's body: see `bodyHash`. */
  readonly bth?: string | undefined;
}

/**
 * Returns a DPoP proof (RFC 9449 §4.2), new each time: one request, one proof, also when a request is repeated.
 *
 * @throws {TypeError} The URL cannot have a proof, a value has a character that JSON would have to escape, or `iat`
 * is not a finite number.
 */
export function createProof(key: HolderKey, request: ProofRequest): string {
  const ath = request.ath ?? (request.accessToken === undefined ? undefined : accessTokenHash(request.accessToken));
  if (!Number.isFinite(request.iat)) throw new TypeError('"iat" must be a finite number');
  // Assembled by hand: every value is known to need no escaping, so this is what JSON.stringify would give.
  let claims = `{"jti":"${newJti()}","htm":"${safe(request.method)}","htu":"${safe(htuOf(request.url))}","iat":${Math.trunc(request.iat)}`;
  if (ath !== undefined) claims += `,"ath":"${safe(ath)}"`;
  if (request.nonce !== undefined) claims += `,"nonce":"${safe(request.nonce)}"`;
  if (request.bth !== undefined) claims += `,"bth":"${safe(request.bth)}"`;
  const signingInput = `${headerOf(key)}.${Buffer.from(`${claims}}`, 'latin1').toString('base64url')}`;
  return `${signingInput}.${key.sign(signingInput).toString('base64url')}`;
}

const headers = new WeakMap<HolderKey, string>();

function headerOf(key: HolderKey): string {
  let header = headers.get(key);
  if (header === undefined) {
    header = Buffer.from(JSON.stringify({ typ: 'dpop+jwt', alg: key.alg, jwk: key.publicJwk })).toString('base64url');
    headers.set(key, header);
  }
  return header;
}

const UNESCAPED = /^[ !#-[\]-~]*$/;

function safe(value: string): string {
  if (!UNESCAPED.test(value)) {
    throw new TypeError('a proof takes printable ASCII without quotes and backslashes');
  }
  return value;
}

// 128 bits each (RFC 9449 §4.2 asks for 96), drawn 256 at a time: one call to the generator costs more than one proof's share.
const JTI_BYTES = 16;
const pool = Buffer.alloc(JTI_BYTES * 256);
let used = pool.length;

function newJti(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const jti = pool.toString('base64url', used, used + JTI_BYTES);
  pool.fill(0, used, used + JTI_BYTES);
  used += JTI_BYTES;
  return jti;
}
