import { generateKeyPair, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { thumbprint } from '@tallystick/dpop';
import type { KeyAlgorithm, PublishedKey } from './signer.ts';

const generate = promisify(generateKeyPair);
const signBeside = promisify(sign);

/** Returns a new private key. An RSA one takes a tenth of a second or more, in a thread. */
export async function makeSigningKey(alg: KeyAlgorithm): Promise<KeyObject> {
  const { privateKey } =
    alg === 'ES256'
      ? await generate('ec', { namedCurve: 'P-256' })
      : await generate('rsa', { modulusLength: 2048, publicExponent: 0x10001 });
  return privateKey;
}

/**
 * Returns the signature of a JWS over its signing input (RFC 7518 §3.3, §3.4). ES256 is quicker here than the way to a
 * thread; RS256 takes thirty times as long and goes there.
 */
export async function signatureOf(input: Buffer, key: KeyObject, alg: KeyAlgorithm): Promise<Buffer> {
  return alg === 'ES256' ? sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' }) : signBeside('sha256', input, key);
}

/**
 * Returns the public half of a key, under its thumbprint.
 *
 * @throws {TypeError} It is neither on P-256 nor RSA of 2048 bits or more.
 */
export function publish(privateKey: KeyObject): PublishedKey {
  const { kty, crv, x, y, n, e } = privateKey.export({ format: 'jwk' }) as Record<string, string>;
  if (kty === 'EC' && crv === 'P-256') {
    const jwk = { kty, crv, x: x!, y: y! } as const;
    return { kid: thumbprint(jwk), alg: 'ES256', jwk };
  }
  if (kty === 'RSA' && (privateKey.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048) {
    const jwk = { kty, n: n!, e: e! } as const;
    return { kid: thumbprint(jwk), alg: 'RS256', jwk };
  }
  throw new TypeError('the key is neither on P-256 nor RSA of 2048 bits');
}
