import { TallystickError } from '@tallystick/core';
import type { AwsSettings, AwsWanted } from '../aws.ts';
import { checkFederationFiles, checkSubject } from '../federation/check-files.ts';
import type { Made, MintOrder, Provider, ProviderContext } from '../provider.ts';
import { openUpstreamHttp } from '../upstream-http.ts';
import type { AwsKeys } from '../../config/aws-credentials.ts';
import { createAwsHttp } from './aws-http.ts';
import { checkAws } from './check-aws.ts';
import { openLogin } from './open-login.ts';
import { readSecret } from './secrets-manager.ts';
import {
  MAX_CHAINED_SECONDS,
  MAX_SESSION_SECONDS,
  MIN_SESSION_SECONDS,
  type AwsSession,
  type SessionOrder,
} from './session.ts';
import { sessionNameOf, sourceIdentityOf } from './session-name.ts';
import { sessionTagsOf } from './session-tags.ts';
import { createSts } from './sts.ts';

/** The longest subject that AWS takes (STS API, `SubjectFromWebIdentityToken`). */
const MAX_SUBJECT_LENGTH = 255;

/**
 * Opens AWS in one region: sessions of roles, and secrets of Secrets Manager. No session can be ended before its time, so
 * there is no `end`; the page in the docs gives the policies that take its power from it.
 */
export async function openAws(settings: AwsSettings, context: ProviderContext): Promise<Provider<AwsWanted>> {
  const { name, clock } = context;
  const { auth, region, endpoints } = settings;
  const http = await openUpstreamHttp({ name });
  const aws = createAwsHttp({ name, region, endpoints, http, clock });
  const sts = createSts({
    name,
    aws,
    clock,
    audience: auth.audience,
    sign: (claims) => context.sign('federation', claims),
  });
  /** Who the sidecar is to AWS, where it logs in for itself. */
  const self = checkSubject(context);
  const login = openLogin(auth, context, sts);

  /** Assumes a role, for `subject` where that has a token of its own. */
  const assume = async (order: SessionOrder, subject: string, signal: AbortSignal): Promise<AwsSession> => {
    if (!login) return sts.assumeRoleWithWebIdentity(order, requireSubject(name, subject), signal);
    const keys = await login.keys(signal);
    return forgettingRefused(keys, () => sts.assumeRole(order, keys, signal));
  };

  /** Keys that have been refused something are not tried again where they can be had anew. */
  async function forgettingRefused<T>(keys: AwsKeys, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      const refused = TallystickError.is(error) && /^upstream_(denied|login_refused)$/.test(error.code);
      if (refused) login?.forget(keys);
      throw error;
    }
  }

  const longest = auth.role === undefined ? MAX_SESSION_SECONDS : MAX_CHAINED_SECONDS;
  const orderOf = (order: MintOrder<AwsWanted>, role: string, lifetimeMs: number): SessionOrder => ({
    role,
    sessionName: sessionNameOf(order.leaseId, order.identity.id),
    durationSeconds: Math.max(MIN_SESSION_SECONDS, Math.min(Math.floor(lifetimeMs / 1000), longest)),
    sourceIdentity: sourceIdentityOf(order.identity.id),
    tags: sessionTagsOf(order),
    externalId: order.wanted.externalId,
    policy: order.wanted.policy,
    policyArns: order.wanted.policyArns,
  });

  async function mintSession(order: MintOrder<AwsWanted>, role: string): Promise<Made> {
    const askedAtMs = clock.nowMs();
    const { keys, expiresAtMs } = await assume(orderOf(order, role, order.lifetimeMs), order.identity.id, order.signal);
    return {
      material: { ...keys, accountId: role.split(':')[4] ?? '' },
      // AWS gives no less than 15 minutes; what was asked for is what is promised.
      expiresAtMs: Math.min(expiresAtMs, askedAtMs + order.lifetimeMs),
      handles: { accessKeyId: keys.accessKeyId },
    };
  }

  async function mintSecret(order: MintOrder<AwsWanted>, secret: string): Promise<Made> {
    const { wanted, signal, lifetimeMs, identity } = order;
    const session =
      wanted.role === undefined ? undefined : await assume(orderOf(order, wanted.role, 0), identity.id, signal);
    const keys = session?.keys ?? (await login!.keys(signal));
    const askedAtMs = clock.nowMs();
    const stored = await forgettingRefused(keys, () => readSecret(name, aws, { ...wanted, secret }, keys, signal));
    return {
      material: stored,
      expiresAtMs: askedAtMs + lifetimeMs,
      // Under it CloudTrail has the reading.
      handles: { accessKeyId: keys.accessKeyId },
    };
  }

  return {
    mint: (order) =>
      order.wanted.secret === undefined
        ? mintSession(order, order.wanted.role!)
        : mintSecret(order, order.wanted.secret),
    async check(wanted, signal) {
      const found = await checkAws(wanted, {
        login,
        self,
        assume: (order) => assume(order, self, signal),
        read: (secret, keys) => readSecret(name, aws, { ...wanted, secret }, keys, signal),
        signal,
      });
      if (auth.method === 'file') return found;
      return [await checkFederationFiles(http, await context.sign('federation', { sub: self }), signal), ...found];
    },
    close: () => http.close(),
  };
}

function requireSubject(name: string, spiffeId: string): string {
  if (spiffeId.length <= MAX_SUBJECT_LENGTH) return spiffeId;
  throw new TallystickError(
    'upstream_denied',
    `"${name}" takes no subject of more than ${MAX_SUBJECT_LENGTH} characters`,
    {
      remedy: 'give the identity a shorter SPIFFE ID',
    },
  );
}
