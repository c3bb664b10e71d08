import { request } from 'node:http';
import { createProof, generateHolderKey, type HolderKey } from '@tallystick/dpop';
import { post, type Verdict } from './api-call.ts';
import { AUDIENCE, ISSUER } from './config.ts';

/**
 * A program that has a token and its key and listens to nobody: a workload that was taken over, or a thief who copied
 * its memory. No event reaches it; only the API can stop it.
 */
export interface DeafHolder {
  /** Asks the sidecar for a token of another audience. */
  ask(resource: string): Promise<Record<string, unknown>>;
  call(ledger: string): Promise<Verdict>;
}

/** Gets a token as the service's identity, by plain HTTP on its socket. */
export async function startDeafHolder(socketPath: string): Promise<DeafHolder> {
  const key = await generateHolderKey();
  let nonce: string | undefined;
  const ask = async (resource: string): Promise<Record<string, unknown>> => {
    const url = `${ISSUER}/token`;
    const answer = await overSocket(socketPath, proofHeader(key, 'POST', url, nonce), resource);
    nonce = answer.nonce;
    return answer.members.error === 'use_dpop_nonce' ? ask(resource) : answer.members;
  };
  const token = String((await ask(AUDIENCE)).access_token);
  return {
    ask,
    call: (ledger) => {
      const dpop = createProof(key, {
        method: 'POST',
        url: `${ledger}/journal`,
        iat: Date.now() / 1000,
        accessToken: token,
      });
      return post(ledger, { authorization: `DPoP ${token}`, dpop });
    },
  };
}

function proofHeader(key: HolderKey, method: string, url: string, nonce: string | undefined): string {
  return createProof(key, { method, url, iat: Date.now() / 1000, nonce });
}

function overSocket(
  socketPath: string,
  dpop: string,
  resource: string,
): Promise<{ nonce: string | undefined; members: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const headers = { host: new URL(ISSUER).host, dpop, 'content-type': 'application/x-www-form-urlencoded' };
    const sent = request({ socketPath, method: 'POST', path: '/token', headers }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () =>
        resolve({
          nonce: response.headers['dpop-nonce'] as string | undefined,
          members: JSON.parse(body) as Record<string, unknown>,
        }),
      );
    });
    sent.on('error', reject);
    sent.end(new URLSearchParams({ grant_type: 'client_credentials', resource }).toString());
  });
}
