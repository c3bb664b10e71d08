import { TallystickError, type Clock } from '@tallystick/core';
import { isBearerToken, type BearerToken } from '../bearer-answer.ts';
import { jsonOf, refusalOf, type UpstreamAnswer, type UpstreamHttp } from '../upstream-http.ts';
import { bearerHeaders } from './gcp-call.ts';

const WHAT = 'the impersonation';

/** A token that is asked for in the name of a service account. */
export interface ImpersonationOrder {
  readonly serviceAccount: string;
  readonly scope: readonly string[];
  readonly lifetimeMs: number;
  /** Token of the principal that may impersonate it. */
  readonly token: string;
  readonly reason: string;
  /** What IAM calls that principal, for the remedy. */
  readonly principal: string;
  readonly signal: AbortSignal;
}

/**
 * Returns a token of a service account (IAM Service Account Credentials, `generateAccessToken`).
 *
 * @throws {TallystickError} `upstream_*`
 */
export async function impersonate(
  options: {
    readonly name: string;
    readonly http: Pick<UpstreamHttp, 'send'>;
    readonly iam: string;
    readonly clock: Pick<Clock, 'nowMs'>;
  },
  order: ImpersonationOrder,
): Promise<Omit<BearerToken, 'members'>> {
  const { name, http, iam, clock } = options;
  const { serviceAccount, scope, lifetimeMs, token, reason, signal } = order;
  const answer = await http.send({
    method: 'POST',
    url: `${iam}/v1/projects/-/serviceAccounts/${encodeURIComponent(serviceAccount)}:generateAccessToken`,
    headers: { ...bearerHeaders(token, reason), 'content-type': 'application/json' },
    body: JSON.stringify({ scope, lifetime: `${Math.max(1, Math.floor(lifetimeMs / 1000))}s` }),
    signal,
  });
  if (answer.status !== 200) throw impersonationRefusal(name, order, answer, clock.nowMs());
  const { accessToken, expireTime } = jsonOf(name, WHAT, answer);
  const expiresAtMs = typeof expireTime === 'string' ? Date.parse(expireTime) : Number.NaN;
  if (!isBearerToken(accessToken) || Number.isNaN(expiresAtMs)) {
    throw new TallystickError('upstream_answer_invalid', `"${name}" answered ${WHAT} without a token and its end`);
  }
  return { token: accessToken, expiresAtMs };
}

function impersonationRefusal(
  name: string,
  { serviceAccount, principal }: ImpersonationOrder,
  answer: UpstreamAnswer,
  nowMs: number,
): TallystickError {
  // Google does not tell whether there is such an account.
  if (answer.status === 403 || answer.status === 404) {
    return new TallystickError('upstream_denied', `"${name}" may not act as the service account ${serviceAccount}`, {
      remedy: `gcloud iam service-accounts add-iam-policy-binding ${serviceAccount} --role=roles/iam.workloadIdentityUser --member="${principal}"`,
    });
  }
  if (answer.status === 400) {
    return new TallystickError(
      'upstream_denied',
      `"${name}" gives ${serviceAccount} no token of this scope or lifetime`,
      {
        remedy:
          'correct "scope"; for more than 1h add the account to constraints/iam.allowServiceAccountCredentialLifetimeExtension',
      },
    );
  }
  return refusalOf(name, WHAT, answer, nowMs);
}
