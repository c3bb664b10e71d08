import { TallystickError } from '@tallystick/core';
import { htuOf, readProof } from '@tallystick/dpop';
import { readNamedFile } from '../../config/named-file.ts';
import type { OauthSettings, OauthWanted } from '../oauth.ts';
import type { MintOrder, Provider, ProviderContext } from '../provider.ts';
import { openUpstreamHttp, type UpstreamAnswer } from '../upstream-http.ts';
import { UpstreamProofRequired } from '../upstream-proof-required.ts';
import { checkSecret, checkServer, unreachable } from './check-server.ts';
import { authenticateClient } from './client-authentication.ts';
import { createDiscovery } from './discovery.ts';
import { grantParameters } from './grant.ts';
import { readTokenAnswer } from './token-answer.ts';
import { isClientRefusal, oauthErrorOf, tokenRefusalOf } from './token-refusal.ts';

const MAX_CA_BYTES = 1_048_576;
/** RFC 9449 §8.1; so long that a header holds it. */
const NONCE = /^[\x21\x23-\x5b\x5d-\x7e]{1,1024}$/;

/**
 * Opens an authorization server. Its tokens are bound to keys of the workloads (RFC 9449 §5), who sign the proofs: the
 * sidecar carries them, and never has the key.
 *
 * @throws {TallystickError} `config_invalid`: the file of its authorities cannot be used.
 */
export async function openOauth(settings: OauthSettings, context: ProviderContext): Promise<Provider<OauthWanted>> {
  const { name, clock } = context;
  const { issuer, tokenEndpoint } = settings;
  const { secret } = settings.client;
  const http = await openUpstreamHttp({
    name,
    ca: settings.ca === undefined ? undefined : await authorities(settings.ca),
  });
  const closed = new AbortController();
  const discovery = createDiscovery({ name, issuer, http, clock, closed: closed.signal });
  // The newest that the server gave is the one to use (RFC 9449 §8.2).
  let nonce: string | undefined;

  const endpointFor = async ({ signal }: MintOrder<OauthWanted>): Promise<string> => {
    signal.throwIfAborted();
    return tokenEndpoint ?? (await until(signal, discovery.metadata())).tokenEndpoint;
  };
  const ask = async (order: MintOrder<OauthWanted>, url: string, proof: string): Promise<UpstreamAnswer> => {
    const client = await authenticateClient(order, settings, context);
    const parameters = await grantParameters(order, issuer, context);
    const answer = await http.send({
      method: 'POST',
      url,
      headers: {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
        ...client.headers,
        dpop: proof,
      },
      body: new URLSearchParams({ ...parameters, ...client.parameters }).toString(),
      signal: order.signal,
    });
    nonce = nonceOf(answer) ?? nonce;
    return answer;
  };

  return {
    async requireApplicant(order) {
      if (order.applicant.upstreamProof !== undefined) return;
      throw new UpstreamProofRequired(htuOf(await endpointFor(order)), nonce);
    },
    async mint(order) {
      const { wanted, scope, lifetimeMs, applicant } = order;
      const url = await endpointFor(order);
      if (applicant.upstreamProof === undefined) throw new UpstreamProofRequired(htuOf(url), nonce);
      const proof = readProof(applicant.upstreamProof);
      const answer = await ask(order, url, applicant.upstreamProof);
      if (answer.status !== 200) {
        const given = nonceOf(answer);
        // One that it refuses although it is its own would be asked for without end.
        const isNew = given !== undefined && given !== proof.nonce;
        if (isNew && oauthErrorOf(answer) === 'use_dpop_nonce') throw new UpstreamProofRequired(htuOf(url), given);
        // One secret is that of all clients of a provider, also where a credential has a client of its own.
        if (secret && isClientRefusal(answer)) context.ownSecrets.refused(secret.credential);
        const isSharedClient = wanted.client === undefined && settings.client.authentication !== 'spiffe_jwt';
        throw tokenRefusalOf(answer, { name, isSharedClient, nowMs: clock.nowMs() });
      }
      return readTokenAnswer(answer, {
        name,
        jkt: proof.jkt,
        audience: wanted.audience,
        scope,
        isExchange: wanted.grant === 'token_exchange',
        lifetimeMs,
        nowMs: clock.nowMs(),
      });
    },
    async check(wanted, signal) {
      const [server, secret] = await Promise.all([
        discovery.refresh().then((metadata) => checkServer(wanted, settings, metadata), unreachable),
        checkSecret(settings, context, signal),
      ]);
      return [...server, ...secret];
    },
    async close() {
      closed.abort();
      await http.close();
    },
  };
}

/** Waits for what others wait for too, until one's own time is over. */
async function until<T>(signal: AbortSignal, result: Promise<T>): Promise<T> {
  const over = Promise.withResolvers<never>();
  const abort = (): void => over.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([result, over.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function nonceOf({ headers }: UpstreamAnswer): string | undefined {
  const nonce = headers['dpop-nonce'];
  return nonce !== undefined && NONCE.test(nonce) ? nonce : undefined;
}

async function authorities(path: string): Promise<string> {
  const file = await readNamedFile(path, MAX_CA_BYTES);
  if (file.ok) return file.bytes.toString('utf8');
  throw new TallystickError('config_invalid', `"ca" ${file.message}`, { remedy: file.remedy });
}
