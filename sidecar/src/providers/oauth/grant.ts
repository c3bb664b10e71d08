import { JWT_TYPE } from '@tallystick/core';
import { indicatorOf, type OauthWanted } from '../oauth.ts';
import type { MintOrder, ProviderContext } from '../provider.ts';
import { ASSERTION_SECONDS } from './client-authentication.ts';

const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type';
/** The registered names of the grants of the configuration (RFC 6749 §4.4, RFC 8693 §2.1, RFC 7523 §2.1). */
export const GRANT_TYPE = {
  client_credentials: 'client_credentials',
  token_exchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
  jwt_bearer: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
} as const satisfies Record<OauthWanted['grant'], string>;

/**
 * Returns the parameters of a token request that say what is asked for, and by what right.
 *
 * @throws {TallystickError} `signer_unavailable`
 */
export async function grantParameters(
  order: Pick<MintOrder<OauthWanted>, 'wanted' | 'scope' | 'identity' | 'process' | 'leaseId'>,
  issuer: string,
  context: Pick<ProviderContext, 'clock' | 'sign'>,
): Promise<Readonly<Record<string, string>>> {
  const { wanted, scope } = order;
  const indicator = indicatorOf(wanted);
  return {
    grant_type: GRANT_TYPE[wanted.grant],
    ...(await rightOf(order, issuer, context)),
    ...(scope.length > 0 && { scope: scope.join(' ') }),
    ...(wanted.audience !== undefined && indicator !== 'none' && { [indicator]: wanted.audience }),
  };
}

async function rightOf(
  order: Parameters<typeof grantParameters>[0],
  issuer: string,
  context: Pick<ProviderContext, 'clock' | 'sign'>,
): Promise<Readonly<Record<string, string>>> {
  switch (order.wanted.grant) {
    case 'client_credentials':
      return {};
    case 'token_exchange':
      return {
        subject_token: await context.sign('federation', statementOf(order, issuer, context)),
        subject_token_type: `${TOKEN_TYPE}:jwt`,
        requested_token_type: `${TOKEN_TYPE}:access_token`,
      };
    case 'jwt_bearer':
      return {
        assertion: await context.sign('federation', statementOf(order, issuer, context), {
          typ: JWT_TYPE.authorizationGrant,
        }),
      };
  }
}

/** Says to one server who the workload is, and under which lease it asks. */
function statementOf(
  { identity, process, leaseId }: Parameters<typeof grantParameters>[0],
  issuer: string,
  { clock }: Pick<ProviderContext, 'clock'>,
): Readonly<Record<string, unknown>> {
  const now = Math.floor(clock.nowMs() / 1000);
  return {
    sub: identity.id,
    aud: issuer,
    jti: leaseId,
    iat: now,
    exp: now + ASSERTION_SECONDS,
    tallystick: {
      lease: leaseId,
      owner: { id: identity.owner.id, kind: identity.owner.kind },
      environment: identity.environment,
      ...(process && { process: process.id }),
    },
  };
}
