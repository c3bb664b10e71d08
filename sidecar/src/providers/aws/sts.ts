import type { Clock } from '@tallystick/core';
import type { AwsKeys } from '../../config/aws-credentials.ts';
import { subjectClaims } from '../federation/federation-claims.ts';
import type { AwsHttp } from './aws-http.ts';
import {
  assumeRoleParameters,
  parseSession,
  sessionClaims,
  webIdentityParameters,
  type AwsSession,
  type SessionOrder,
} from './session.ts';

/** The Security Token Service of a region. Every method throws a {@link TallystickError}, `upstream_*`. */
export interface Sts {
  /** Assumes a role, signed with the keys of another. */
  assumeRole(order: SessionOrder, keys: AwsKeys, signal: AbortSignal): Promise<AwsSession>;
  /** Assumes a role by a token of our federation for `subject`. Nothing is signed with keys of AWS. */
  assumeRoleWithWebIdentity(order: SessionOrder, subject: string, signal: AbortSignal): Promise<AwsSession>;
}

/** The inputs of {@link createSts}. */
export interface StsOptions {
  readonly name: string;
  readonly aws: AwsHttp;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** `aud` of our tokens, as the OpenID Connect provider in the account has it. */
  readonly audience: string;
  /** Returns a JWT of our federation. */
  readonly sign: (claims: Readonly<Record<string, unknown>>) => Promise<string>;
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };

export function createSts({ name, aws, clock, audience, sign }: StsOptions): Sts {
  const ask = async (
    order: SessionOrder,
    parameters: URLSearchParams,
    keys: AwsKeys | undefined,
    signal: AbortSignal,
  ): Promise<AwsSession> => {
    const action = parameters.get('Action')!;
    const askedAtMs = clock.nowMs();
    const { text } = await aws.call({
      service: 'sts',
      action,
      headers: FORM,
      body: parameters.toString(),
      keys,
      signal,
    });
    return parseSession(name, action, text, order, askedAtMs);
  };
  return {
    assumeRole: (order, keys, signal) => ask(order, assumeRoleParameters(order), keys, signal),
    async assumeRoleWithWebIdentity(order, subject, signal) {
      const claims = { ...subjectClaims(subject, audience, clock.nowMs()), ...sessionClaims(order) };
      const token = await sign(claims);
      return ask(order, webIdentityParameters(order, token), undefined, signal);
    },
  };
}
