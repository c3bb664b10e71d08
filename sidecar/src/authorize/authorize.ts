import {
  ASSURANCE_RANK,
  type Assurance,
  type ErrorCode,
  type IdentityObject,
  type IdentityState,
} from '@tallystick/core';
import type { CredentialConfig } from '../config/config.ts';
import { isOwnToken, type Entitled } from './registry.ts';

/** What a decision is made from. */
export interface Question {
  readonly identity: IdentityObject;
  readonly state: IdentityState;
  /** An operator has revoked the key that asks. */
  readonly keyRevoked: boolean;
  readonly assurance: Assurance;
  readonly entitled: readonly Entitled[];
  readonly asked: AskedToken | AskedCredential;
}

/** A token of our own issuer: no credential is named. */
export interface AskedToken {
  readonly name?: undefined;
  /** The audience asked for; undefined: the only one there is. */
  readonly resource: string | undefined;
  /** Scope values asked for; undefined: all that may be granted. */
  readonly scope: readonly string[] | undefined;
}

/** A credential of an upstream, by its name. */
export interface AskedCredential {
  readonly name: string;
  /** What the workload takes it for. */
  readonly type: string;
}

/** Why a decision fell as it did. Recorded; stable. */
export type Reason =
  | 'entitled'
  | 'suspended'
  | 'expired'
  | 'key_revoked'
  | 'not_entitled'
  | 'invalid_target'
  | 'invalid_scope'
  | 'assurance_too_low';

/** Whether an identity may have what it asks for. */
export type Decision =
  | {
      readonly allow: true;
      readonly reason: 'entitled';
      readonly credential: CredentialConfig;
      readonly scope: readonly string[];
    }
  | {
      readonly allow: false;
      readonly reason: Exclude<Reason, 'entitled'>;
      readonly code: ErrorCode;
      readonly description: string;
      /** Replaces the remedy of the code. */
      readonly remedy?: string;
      /** The credential that was meant, where that is clear. */
      readonly credential?: CredentialConfig;
    };

/** Decides whether an identity may have what it asks for. Pure; default deny. */
export function authorize(question: Question): Decision {
  const { identity, state, asked } = question;
  if (state === 'suspended') return deny('suspended', 'identity_suspended', `${identity.id} is suspended`);
  if (state === 'expired') return deny('expired', 'identity_expired', `${identity.id} expired on ${identity.expires}`);

  if (question.keyRevoked) return deny('key_revoked', 'key_revoked', 'this key was revoked');

  return asked.name === undefined ? decideToken(question, asked) : decideCredential(question, asked);
}

function decideCredential(question: Question, { name, type }: AskedCredential): Decision {
  const { identity } = question;
  const found = question.entitled.find(({ credential }) => credential.name === name);
  // Whether others have such a credential is none of its business.
  if (!found) return deny('not_entitled', 'not_entitled', `${identity.id} is not entitled to "${name}"`);
  const { credential, scope } = found;
  if (isOwnToken(credential)) {
    return {
      ...deny('invalid_target', 'invalid_target', `"${name}" is a token of this issuer`, credential),
      remedy: 'ask for it at /token',
    };
  }
  if (credential.type !== type) {
    return {
      ...deny('invalid_target', 'credential_type_mismatch', `"${name}" is of type "${credential.type}"`, credential),
      remedy: `ask for it as "${credential.type}"`,
    };
  }
  return requireAssurance(question, found) ?? { allow: true, reason: 'entitled', credential, scope };
}

function decideToken(question: Question, { resource, scope }: AskedToken): Decision {
  const { identity } = question;
  const own = question.entitled.filter(({ credential }) => isOwnToken(credential));
  if (own.length === 0) {
    return deny('not_entitled', 'not_entitled', `${identity.id} is entitled to no token of this issuer`);
  }
  const named = resource === undefined ? own : own.filter(({ credential }) => credential.audience === resource);
  if (named.length === 0) {
    return {
      ...deny('not_entitled', 'invalid_target', `${identity.id} is not entitled to a token for this resource`),
      remedy: `add a credential with that audience to the "entitlements" of ${identity.id}`,
    };
  }
  const covering =
    scope === undefined ? named : named.filter((item) => scope.every((value) => item.scope.includes(value)));
  if (covering.length === 0) {
    return deny('invalid_scope', 'invalid_scope', 'the scope is wider than the entitlement', named[0]!.credential);
  }
  if (covering.length > 1) {
    return {
      ...deny('invalid_target', 'invalid_target', 'several credentials match'),
      remedy: `set "resource", and "scope" where it is shared, to those of one: ${covering.map(nameOf).join('; ')}`,
    };
  }
  const { credential, scope: grantable } = covering[0]!;
  return (
    requireAssurance(question, covering[0]!) ?? {
      allow: true,
      reason: 'entitled',
      credential,
      scope: scope ?? grantable,
    }
  );
}

function requireAssurance({ assurance }: Question, { credential, minAssurance }: Entitled): Decision | undefined {
  if (ASSURANCE_RANK[assurance] >= ASSURANCE_RANK[minAssurance]) return undefined;
  return deny(
    'assurance_too_low',
    'assurance_too_low',
    `${credential.name} asks for assurance "${minAssurance}", and this workload has "${assurance}"`,
    credential,
  );
}

function nameOf({ credential: { audience = '' }, scope }: Entitled): string {
  return scope.length === 0 ? audience : `${audience} with ${scope.join(' ')}`;
}

function deny(
  reason: Exclude<Reason, 'entitled'>,
  code: ErrorCode,
  description: string,
  credential?: CredentialConfig,
): Decision & { allow: false } {
  return { allow: false, reason, code, description, ...(credential && { credential }) };
}
