import { TallystickError } from '@tallystick/core';
import type { VaultMembers } from './vault-client.ts';

/** A token as Vault gives it. */
export interface GivenToken {
  readonly token: string;
  /** Empty for a batch token, which nobody can name. */
  readonly accessor: string;
  /** Policies of its own, `default` among them. */
  readonly policies: readonly string[];
  /** Zero: it never ends. */
  readonly ttlMs: number;
  readonly renewable: boolean;
}

/** What an engine gave. */
export interface GivenSecret {
  readonly data: VaultMembers;
  /** Vault's name for the lease; empty where there is none. */
  readonly vaultLease: string;
  readonly ttlMs: number;
  readonly renewable: boolean;
}

/** Reads the members of answers, and names what lacks them. Nothing of an answer is in what it throws. */
export interface AnswerReader {
  /** @throws {TallystickError} `upstream_answer_invalid` */
  token(members: VaultMembers, what: string): GivenToken;
  secret(members: VaultMembers, what: string): GivenSecret;
  object(members: VaultMembers, name: string, what: string): VaultMembers;
  text(members: VaultMembers, name: string, what: string): string;
  seconds(members: VaultMembers, name: string, what: string): number;
}

/** @param provider Name of the provider. */
export function answerReader(provider: string): AnswerReader {
  const invalid = (what: string, name: string): TallystickError =>
    new TallystickError('upstream_answer_invalid', `"${provider}" answered ${what} without "${name}"`);
  const object = (members: VaultMembers, name: string, what: string): VaultMembers => {
    const value = members[name];
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(what, name);
    return value as VaultMembers;
  };
  const text = (members: VaultMembers, name: string, what: string): string => {
    const value = members[name];
    if (typeof value !== 'string' || value === '') throw invalid(what, name);
    return value;
  };
  const seconds = (members: VaultMembers, name: string, what: string): number => {
    const value = members[name];
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw invalid(what, name);
    return value;
  };
  return {
    object,
    text,
    seconds,
    token(members, what) {
      const auth = object(members, 'auth', what);
      const policies = auth.token_policies;
      return {
        token: text(auth, 'client_token', what),
        accessor: typeof auth.accessor === 'string' ? auth.accessor : '',
        policies: Array.isArray(policies) ? policies.filter((each) => typeof each === 'string') : [],
        ttlMs: seconds(auth, 'lease_duration', what) * 1000,
        renewable: auth.renewable === true,
      };
    },
    secret: (members, what) => ({
      data: object(members, 'data', what),
      vaultLease: typeof members.lease_id === 'string' ? members.lease_id : '',
      ttlMs: seconds(members, 'lease_duration', what) * 1000,
      renewable: members.renewable === true,
    }),
  };
}
