import { generateKeyPairSync, sign } from 'node:crypto';
import { JWT_TYPE, leaseId, systemRandom, type CredentialType } from '@tallystick/core';
import { thumbprint, type Proof } from '@tallystick/dpop';
import { seal, type CredentialReply, type CredentialRequest, type Material, type P256Key } from '@tallystick/protocol';

/** What an upstream gives: its material, and what the fake does not say by itself. */
export type Making = { readonly material: Material } & Partial<CredentialReply>;

/** A request for a credential of an upstream, as the fake has read it. */
export interface SeenCredentialRequest {
  readonly name: string;
  readonly request: CredentialRequest;
  readonly identity: string;
  readonly issuer: string;
  readonly proof: Proof;
  readonly nowMs: number;
}

/** A key that replies are signed by. */
export class ReplyKey {
  readonly jwk: Record<string, unknown>;
  readonly kid: string;
  readonly #key;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = privateKey;
    this.jwk = publicKey.export({ format: 'jwk' }) as Record<string, unknown>;
    this.kid = thumbprint(this.jwk);
  }

  sign(claims: string): string {
    const header = { typ: JWT_TYPE.credential, alg: 'ES256', kid: this.kid, jwk: this.jwk };
    const input = [JSON.stringify(header), claims].map((part) => Buffer.from(part).toString('base64url')).join('.');
    const signature = sign('sha256', Buffer.from(input), { key: this.#key, dsaEncoding: 'ieee-p1363' });
    return `${input}.${signature.toString('base64url')}`;
  }

  seal(claims: string, to: P256Key): string {
    return seal(this.sign(claims), to);
  }
}

/** Returns what an honest sidecar says to a request, good for an hour. */
export function honestReply(seen: SeenCredentialRequest, making: Making): CredentialReply {
  const { request, proof, nowMs } = seen;
  return {
    issuer: seen.issuer,
    identity: seen.identity,
    jkt: proof.jkt,
    sealedTo: thumbprint(request.sealTo),
    request: proof.jti,
    bth: proof.bth!,
    name: seen.name,
    type: request.type as CredentialType,
    binding: 'none',
    leaseId: leaseId({ nowMs: () => nowMs }, systemRandom),
    issuedAt: new Date(nowMs),
    rotateAt: new Date(nowMs + 1_800_000),
    expiresAt: new Date(nowMs + 3_600_000),
    recordId: 'rec_3',
    logHead: undefined,
    ...making,
  };
}
