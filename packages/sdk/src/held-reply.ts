import { TallystickError, type AccessTokenCredential, type CredentialType } from '@tallystick/core';
import type { HolderKey } from '@tallystick/dpop';
import type { Materials } from '@tallystick/protocol';
import type { CertifiedKeys } from './certified-key.ts';
import { termsOf, type HeldCredential, type Moment } from './held-credential.ts';
import { useOf, type ProvableToken } from './held-token.ts';
import { openClaims } from './open-claims.ts';
import type { ReplyOf } from './open-reply.ts';
import { shapeCredential, type Base } from './shape-credential.ts';

/** The keys that an answer may be for. */
export interface ReplyKeys {
  /** Where it is a certificate. */
  readonly certified: CertifiedKeys | undefined;
  /** Returns the key for another authorization server: of a thumbprint, or of the last proof where it is not known. */
  readonly keyOf: (jkt: string | undefined) => HolderKey | undefined;
}

/** What an access token of another server is, once it is known to be bound to a key of ours. */
type HeldReply = HeldCredential | ProvableToken;

/**
 * Returns the credential of an answer that was opened.
 *
 * @param asked The moment before it was asked for: it was made later.
 * @throws {TallystickError} `protocol_error`: it is not for a key of ours. `upstream_unbound`: a token that is bound to none.
 */
export function holdReply<K extends CredentialType>(reply: ReplyOf<K>, asked: Moment, keys: ReplyKeys): HeldReply {
  const { name, binding, leaseId, rotateAt, expiresAt, issuedAt } = reply;
  const type = reply.type as K;
  const lifetimeMs = expiresAt.getTime() - issuedAt.getTime();
  const base: Base = {
    name,
    binding,
    delivery: 'sealed',
    leaseId,
    rotateAt,
    expiresAt: new Date(Math.min(expiresAt.getTime(), asked.wallMs + lifetimeMs)),
  };
  const certificate = (reply.material as Partial<Materials['x509' | 'ssh']>).certificate;
  const key = certificate === undefined ? undefined : keys.certified?.certified(certificate).key;
  const credential = shapeCredential(type, base, reply.material, key);
  const held: HeldCredential = { credential, ...termsOf({ lifetimeMs, rotateAt }, asked) };
  if (type !== 'access-token') return held;
  const { token } = reply.material as Materials['access-token'];
  if (binding !== 'dpop') {
    throw new TallystickError('upstream_unbound', `"${name}" is a token that is bound to no key`);
  }
  return { ...held, credential: credential as AccessTokenCredential, ...useOf(token, keyOfToken(token, keys)) };
}

function keyOfToken(token: string, { keyOf }: ReplyKeys): HolderKey {
  const jkt = openClaims(token).cnf?.jkt;
  const key = jkt === undefined || typeof jkt === 'string' ? keyOf(jkt) : undefined;
  if (!key) throw new TallystickError('protocol_error', 'the sidecar gave a token that is bound to no key of ours');
  return key;
}
