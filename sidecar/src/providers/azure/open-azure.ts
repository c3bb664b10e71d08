import { TallystickError, ulid } from '@tallystick/core';
import { readAuthorities } from '../../config/upstream-address.ts';
import type { AzureSettings, AzureWanted } from '../azure.ts';
import type { BearerToken } from '../bearer-answer.ts';
import { checkFederationFiles, checkSubject } from '../federation/check-files.ts';
import { federationClaims, trialClaims } from '../federation/federation-claims.ts';
import type { CheckFinding, Made, MintOrder, Provider, ProviderContext } from '../provider.ts';
import { openUpstreamHttp } from '../upstream-http.ts';
import { ASSERTION_AUDIENCE, clientToken } from './client-token.ts';
import { readVaultSecret, vaultScope } from './key-vault.ts';
import { requestIdOf } from './request-id.ts';

/**
 * Opens a tenant of Microsoft Entra. Each credential has a JWT of the federation of its own, in the name of the identity
 * that it is for. No token of Entra can be ended before its time, so there is no `end`.
 *
 * @throws {TallystickError} `config_invalid`: the file of its authorities cannot be used.
 */
export async function openAzure(settings: AzureSettings, context: ProviderContext): Promise<Provider<AzureWanted>> {
  const { name, clock, random } = context;
  const { tenant, authority } = settings;
  const http = await openUpstreamHttp({ name, ca: await readAuthorities(settings.ca) });
  const asking = { name, http, clock, authority, tenant };
  const clientOf = (wanted: AzureWanted): string => (wanted.client ?? settings.client)!;
  // Entra takes no ES256 (AADSTS5002738).
  const sign = (claims: Readonly<Record<string, unknown>>): Promise<string> =>
    context.sign('federation', claims, { alg: 'RS256' });

  const tokenFor = async (order: MintOrder<AzureWanted>, scope: string): Promise<BearerToken> => {
    order.signal.throwIfAborted();
    const assertion = await sign(federationClaims(order, ASSERTION_AUDIENCE, clock.nowMs()));
    return clientToken(asking, {
      client: clientOf(order.wanted),
      scope,
      assertion,
      requestId: requestIdOf(order.leaseId),
      signal: order.signal,
    });
  };

  async function mintToken(order: MintOrder<AzureWanted>): Promise<Made> {
    const askedAtMs = clock.nowMs();
    const { token, expiresAtMs } = await tokenFor(order, order.wanted.scope!);
    return {
      material: { token, clientId: clientOf(order.wanted), tenantId: tenant },
      expiresAtMs: Math.min(expiresAtMs, askedAtMs + order.lifetimeMs),
      handles: {},
    };
  }

  async function mintSecret(order: MintOrder<AzureWanted>, vault: string, secret: string): Promise<Made> {
    const { version, format } = order.wanted;
    const { token } = await tokenFor(order, vaultScope(vault));
    const askedAtMs = clock.nowMs();
    const {
      values,
      version: found,
      endsAtMs = Infinity,
    } = await readVaultSecret(
      { name, http, nowMs: () => clock.nowMs() },
      {
        vault,
        secret,
        version,
        format,
        token,
        client: clientOf(order.wanted),
        requestId: requestIdOf(order.leaseId),
        signal: order.signal,
      },
    );
    return {
      material: { values, version: found },
      expiresAtMs: Math.min(endsAtMs, askedAtMs + order.lifetimeMs),
      handles: {},
    };
  }

  return {
    mint(order) {
      const { vault, secret } = order.wanted;
      return vault === undefined || secret === undefined ? mintToken(order) : mintSecret(order, vault, secret);
    },
    async check(wanted, signal) {
      const assertion = await sign(trialClaims(checkSubject(context), ASSERTION_AUDIENCE, clock.nowMs()));
      const client = clientOf(wanted);
      const scope = wanted.scope ?? vaultScope(wanted.vault!);
      const requestId = requestIdOf(`ls_${ulid(clock, random)}`);
      const files = await checkFederationFiles(http, assertion, signal);
      const trial = (): Promise<unknown> => clientToken(asking, { client, scope, assertion, requestId, signal });
      return [files, await checkTrial(client, trial)];
    },
    close: () => http.close(),
  };
}

/** That the application knows no identity of nobody says that all else is there. */
async function checkTrial(client: string, trial: () => Promise<unknown>): Promise<CheckFinding> {
  const what = `application ${client}`;
  try {
    await trial();
  } catch (error) {
    if (!TallystickError.is(error)) throw error;
    if (error.code !== 'upstream_denied') return { ok: false, what, message: error.description, remedy: error.remedy };
  }
  return { ok: true, what, message: 'it is there; whether it trusts an identity is seen when that asks for it' };
}
