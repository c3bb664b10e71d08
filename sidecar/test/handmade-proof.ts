import type { HolderKey } from '@tallystick/dpop';

/** Signs a proof whose claims are the test's: `createProof` makes none that is odd. */
export function handmadeProof(key: HolderKey, claims: Record<string, unknown>): string {
  const header = { typ: 'dpop+jwt', alg: key.alg, jwk: key.publicJwk };
  const input = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${input}.${key.sign(input).toString('base64url')}`;
}
