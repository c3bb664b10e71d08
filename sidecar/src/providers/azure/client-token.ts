import type { Clock } from '@tallystick/core';
import { readBearerAnswer, type BearerToken } from '../bearer-answer.ts';
import type { UpstreamHttp } from '../upstream-http.ts';
import { tokenRefusal } from './token-refusal.ts';

/** `aud` of JWTs that Entra takes from other issuers. */
export const ASSERTION_AUDIENCE = 'api://AzureADTokenExchange';

/** A token that an application asks for. */
export interface ClientTokenOrder {
  readonly client: string;
  readonly scope: string;
  /** The JWT that proves which client it is. */
  readonly assertion: string;
  /** GUID of the request. */
  readonly requestId: string;
  readonly signal: AbortSignal;
}

/** The inputs of {@link clientToken}. */
export interface ClientTokenOptions {
  readonly name: string;
  readonly http: Pick<UpstreamHttp, 'send'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly authority: string;
  readonly tenant: string;
}

/**
 * Returns a token of an application (client credentials with a federated assertion, RFC 7523 §2.2).
 *
 * @throws {TallystickError} `upstream_*`
 */
export async function clientToken(options: ClientTokenOptions, order: ClientTokenOrder): Promise<BearerToken> {
  const { name, http, clock, authority, tenant } = options;
  const askedAtMs = clock.nowMs();
  const answer = await http.send({
    method: 'POST',
    url: `${authority}/${tenant}/oauth2/v2.0/token`,
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      'client-request-id': order.requestId,
    },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: order.client,
      scope: order.scope,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: order.assertion,
    }).toString(),
    signal: order.signal,
  });
  if (answer.status !== 200) throw tokenRefusal(name, order, answer, clock.nowMs());
  return readBearerAnswer(name, 'the token request', answer, askedAtMs);
}
