import { TallystickError } from '@tallystick/core';
import { readAuthorities } from '../../config/upstream-address.ts';
import type { BearerToken } from '../bearer-answer.ts';
import { checkFederationFiles, checkSubject } from '../federation/check-files.ts';
import { federationClaims, trialClaims } from '../federation/federation-claims.ts';
import type { GcpSettings, GcpWanted } from '../gcp.ts';
import type { CheckFinding, Made, MintOrder, Provider, ProviderContext } from '../provider.ts';
import { openUpstreamHttp } from '../upstream-http.ts';
import { requestReason } from './gcp-call.ts';
import { impersonate } from './impersonation.ts';
import { accessSecret } from './secret-version.ts';
import { exchangeToken, subjectAudience } from './token-exchange.ts';

/** What a token has to be allowed for calls to IAM and Secret Manager. */
const CLOUD_PLATFORM = ['https://www.googleapis.com/auth/cloud-platform'];

/**
 * Opens Google Cloud. Each credential has a JWT of the federation of its own, in the name of the identity that it is for.
 * No token of Google can be ended before its time, so there is no `end`.
 *
 * @throws {TallystickError} `config_invalid`: the file of its authorities cannot be used.
 */
export async function openGcp(settings: GcpSettings, context: ProviderContext): Promise<Provider<GcpWanted>> {
  const { name, clock } = context;
  const { audience, endpoints } = settings;
  const http = await openUpstreamHttp({ name, ca: await readAuthorities(settings.ca) });
  const exchanging = { name, http, clock, sts: endpoints.sts, audience };

  /** Returns a token of the principal that an identity is to Google. */
  const federated = async (order: MintOrder<GcpWanted>, scope: readonly string[]): Promise<BearerToken> => {
    order.signal.throwIfAborted();
    const claims = federationClaims(order, subjectAudience(audience), clock.nowMs());
    const jwt = await context.sign('federation', claims);
    return exchangeToken(exchanging, { jwt, scope, signal: order.signal });
  };

  /** Returns a token of the principal, or of the service account that it acts as. */
  const tokenFor = async (
    order: MintOrder<GcpWanted>,
    scope: readonly string[],
    lifetimeMs: number,
  ): Promise<Omit<BearerToken, 'members'>> => {
    const { serviceAccount } = order.wanted;
    if (serviceAccount === undefined) return federated(order, scope);
    const { token } = await federated(order, CLOUD_PLATFORM);
    return impersonate(
      { name, http, iam: endpoints.iamCredentials, clock },
      {
        serviceAccount,
        scope,
        lifetimeMs,
        token,
        reason: requestReason(order),
        principal: principalOf(audience, order.identity.id),
        signal: order.signal,
      },
    );
  };

  async function mintToken(order: MintOrder<GcpWanted>): Promise<Made> {
    const askedAtMs = clock.nowMs();
    const { token, expiresAtMs } = await tokenFor(order, order.scope, order.lifetimeMs);
    return {
      material: { token, serviceAccount: order.wanted.serviceAccount ?? '' },
      expiresAtMs: Math.min(expiresAtMs, askedAtMs + order.lifetimeMs),
      handles: {},
    };
  }

  async function mintSecret(order: MintOrder<GcpWanted>, secret: string): Promise<Made> {
    const { version, format, serviceAccount } = order.wanted;
    const { token } = await tokenFor(order, CLOUD_PLATFORM, READING_MS);
    const askedAtMs = clock.nowMs();
    const material = await accessSecret(
      { name, http, secretManager: endpoints.secretManager, nowMs: () => clock.nowMs() },
      {
        secret,
        version,
        format,
        token,
        reason: requestReason(order),
        principal:
          serviceAccount === undefined ? principalOf(audience, order.identity.id) : `serviceAccount:${serviceAccount}`,
        signal: order.signal,
      },
    );
    return { material, expiresAtMs: askedAtMs + order.lifetimeMs, handles: {} };
  }

  return {
    mint: (order) => (order.wanted.secret === undefined ? mintToken(order) : mintSecret(order, order.wanted.secret)),
    async check(_wanted, signal) {
      const subject = checkSubject(context);
      const jwt = await context.sign('federation', trialClaims(subject, subjectAudience(audience), clock.nowMs()));
      const files = await checkFederationFiles(http, jwt, signal);
      return [files, await checkExchange(() => exchangeToken(exchanging, { jwt, scope: CLOUD_PLATFORM, signal }))];
    },
    close: () => http.close(),
  };
}

/** A token that reads one secret needs no more. */
const READING_MS = 60_000;

/** That an identity of nobody is not wanted says that all else is there. What one is allowed is seen when it asks. */
async function checkExchange(exchange: () => Promise<unknown>): Promise<CheckFinding> {
  const what = 'workload identity provider';
  try {
    await exchange();
  } catch (error) {
    if (!TallystickError.is(error)) throw error;
    if (error.code !== 'upstream_denied') return { ok: false, what, message: error.description, remedy: error.remedy };
  }
  return { ok: true, what, message: 'it trusts our federation; what an identity is allowed is seen when that asks' };
}

/** Returns what IAM calls an identity, where `google.subject` is mapped from `assertion.sub`. */
function principalOf(audience: string, subject: string): string {
  return `principal:${audience.replace(/\/providers\/[^/]+$/, '')}/subject/${subject}`;
}
