import { TallystickError, type Clock } from '@tallystick/core';
import { readBearerAnswer, type BearerToken } from '../bearer-answer.ts';
import { refusalOf, type UpstreamAnswer, type UpstreamHttp } from '../upstream-http.ts';

const WHAT = 'the token exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** The inputs of {@link exchangeToken}. */
export interface ExchangeOptions {
  readonly name: string;
  readonly http: Pick<UpstreamHttp, 'send'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Address of the Security Token Service. */
  readonly sts: string;
  /** The workload identity provider. */
  readonly audience: string;
}

/** Returns the audience of a JWT for a workload identity provider that names no others. */
export function subjectAudience(audience: string): string {
  return `https:${audience}`;
}

/**
 * Exchanges a JWT of the federation for a token of the principal that it maps to (RFC 8693).
 *
 * @throws {TallystickError} `upstream_*`
 */
export async function exchangeToken(
  { name, http, clock, sts, audience }: ExchangeOptions,
  { jwt, scope, signal }: { readonly jwt: string; readonly scope: readonly string[]; readonly signal: AbortSignal },
): Promise<BearerToken> {
  const askedAtMs = clock.nowMs();
  const answer = await http.send({
    method: 'POST',
    url: `${sts}/v1/token`,
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      audience,
      scope: scope.join(' '),
      requested_token_type: ACCESS_TOKEN,
      subject_token: jwt,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    }).toString(),
    signal,
  });
  if (answer.status !== 200) throw exchangeRefusal(name, answer, clock.nowMs());
  const token = readBearerAnswer(name, WHAT, answer, askedAtMs);
  if (token.members.issued_token_type !== ACCESS_TOKEN) {
    throw new TallystickError(
      'upstream_answer_invalid',
      `"${name}" answered ${WHAT} with something other than an access token`,
    );
  }
  return token;
}

/** Tells a federation that Google does not trust from an identity that it does not want. */
function exchangeRefusal(name: string, answer: UpstreamAnswer, nowMs: number): TallystickError {
  if (answer.status !== 400 && answer.status !== 401 && answer.status !== 403)
    return refusalOf(name, WHAT, answer, nowMs);
  const refused = (code: 'upstream_denied' | 'upstream_login_refused', why: string, remedy: string): TallystickError =>
    new TallystickError(code, `"${name}" refused ${WHAT}: ${why}`, { remedy });
  switch (errorOf(answer)) {
    case 'invalid_target':
      return refused(
        'upstream_login_refused',
        'there is no such workload identity provider, or it is disabled',
        'correct "audience" of the provider, or enable the pool and its provider',
      );
    case 'invalid_grant':
      return refused(
        'upstream_login_refused',
        'it does not take our JWT',
        'make "--issuer-uri" of the workload identity provider equal to "federation.url", leave its allowed audiences empty, and publish the keys again',
      );
    case 'unauthorized_client':
      return refused(
        'upstream_denied',
        'the attribute condition rejects this identity',
        'let "--attribute-condition" of the workload identity provider accept the identity',
      );
    default:
      return refused(
        'upstream_denied',
        'it does not take the request',
        'map "google.subject" to no more than 127 bytes, and correct "scope" of the credential',
      );
  }
}

function errorOf({ text }: UpstreamAnswer): unknown {
  try {
    return (JSON.parse(text) as { error?: unknown } | null)?.error;
  } catch {
    return undefined;
  }
}
