import { createProof, generateHolderKey, type HolderKey, type ProofRequest } from '@tallystick/dpop';
import { SignJWT, type JWTHeaderParameters } from 'jose';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createVerifier, Refusal, type IncomingRequest, type Verifier, type VerifierOptions } from '../src/index.ts';
import { AUDIENCE, createIssuer, NOW, type TestIssuer } from './issuer.ts';
import { manualClock, type ManualClock } from './manual-clock.ts';

/** An API with a verifier, an issuer that it trusts, and a workload that calls it. */
export interface TestApi {
  readonly verifier: Verifier;
  readonly issuer: TestIssuer;
  readonly clock: ManualClock;
  readonly key: HolderKey;
  /** Bound to `key`. */
  readonly token: string;
}

export const URL_OF_API = `${AUDIENCE}/v1/entries`;

const issuer = await createIssuer();

export async function openApi(options: Partial<VerifierOptions> = {}): Promise<TestApi> {
  const clock = manualClock();
  const key = await generateHolderKey();
  const verifier = createVerifier({
    issuers: [{ issuer: issuer.issuer, jwks: issuer.jwks, subjects: ['spiffe://acme.example/payments/'] }],
    audience: AUDIENCE,
    publicOrigins: [AUDIENCE],
    clock,
    timers: clock,
    ...options,
  });
  return { verifier, issuer, clock, key, token: await issuer.token(key.jkt) };
}

/** A proof by `key` for a GET of the API. */
export function proofOf(key: HolderKey, token: string, request: Partial<ProofRequest> = {}): string {
  return createProof(key, { method: 'GET', url: URL_OF_API, iat: NOW, accessToken: token, ...request });
}

/** A GET of the API, with one header line for each pair. */
export function nodeRequest(...headers: readonly (readonly [name: string, value: string])[]): {
  method: string;
  url: string;
  rawHeaders: string[];
} {
  return {
    method: 'GET',
    url: '/v1/entries',
    rawHeaders: [['Host', 'ledger.acme.example'] as const, ...headers].flat(),
  };
}

/** A GET of the API with a token and a proof. */
export function requestWith(token: string, proof: string, scheme = 'DPoP'): ReturnType<typeof nodeRequest> {
  return nodeRequest(['Authorization', `${scheme} ${token}`], ['DPoP', proof]);
}

/** The same as a Web request. */
export function webRequestWith(token: string, proof: string, url = URL_OF_API): Request {
  return new Request(url, { headers: { authorization: `DPoP ${token}`, dpop: proof } });
}

/** The refusal that `request` gets; fails when it is accepted, or when anything else is thrown. */
export async function refusalOf(verifier: Verifier, request: IncomingRequest): Promise<Refusal> {
  try {
    await verifier.verify(request);
  } catch (error) {
    if (Refusal.is(error)) return error;
    throw error;
  }
  throw new Error('the request was accepted');
}

/** A key of a thief, or of a client that makes its proofs by hand. */
export interface LooseKey {
  readonly privateKey: KeyObject;
  readonly publicJwk: Record<string, unknown>;
}

export function looseKey(): LooseKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKey, publicJwk: publicKey.export({ format: 'jwk' }) as Record<string, unknown> };
}

/** Signs a proof that may be wrong in any way. */
export function looseProof(
  key: LooseKey,
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const full = { typ: 'dpop+jwt', alg: 'ES256', jwk: key.publicJwk, ...header } as JWTHeaderParameters;
  return new SignJWT(claims).setProtectedHeader(full).sign(key.privateKey);
}
