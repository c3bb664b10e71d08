import type { Agent } from 'node:http';
import { createProof, generateHolderKey, type HolderKey, type ProofRequest } from '@tallystick/dpop';
import { ISSUER } from '../acme.ts';
import { ask, type Answer } from '../listen/unix-client.ts';

/** A program with a key of its own, which proves itself on a workload socket as an SDK does. */
export interface Holder {
  readonly key: HolderKey;
  readonly jkt: string;
  /** Returns a fresh proof, with the newest nonce. */
  prove(method: string, path: string, members?: Partial<ProofRequest>): string;
  /** Sends a request with a proof, once more where a nonce is asked for. */
  send(method: string, path: string, options?: { headers?: Record<string, string>; body?: string }): Promise<Answer>;
  /** Asks for a token. */
  token(form?: Record<string, string>): Promise<Answer>;
}

const FORM = 'application/x-www-form-urlencoded';

export async function holder(socket: string, agent?: Agent): Promise<Holder> {
  const key = await generateHolderKey();
  let nonce: string | undefined;
  const prove: Holder['prove'] = (method, path, members) =>
    createProof(key, { method, url: `${ISSUER}${path}`, iat: Math.floor(Date.now() / 1000), nonce, ...members });
  const send: Holder['send'] = async (method, path, { headers = {}, body } = {}) => {
    for (let round = 0; ; round++) {
      const answer = await ask(socket, {
        method,
        target: path,
        headers: { dpop: prove(method, path), ...headers },
        ...(body !== undefined && { body }),
        ...(agent && { agent }),
      });
      nonce = answer.headers['dpop-nonce'] as string;
      if (answer.json.error !== 'use_dpop_nonce' || round > 0) return answer;
    }
  };
  return {
    key,
    jkt: key.jkt,
    prove,
    send,
    token: (form = {}) =>
      send('POST', '/token', {
        headers: { 'content-type': FORM },
        body: new URLSearchParams({ grant_type: 'client_credentials', ...form }).toString(),
      }),
  };
}

/** Sends a form without a proof, as stock clients do to `/revoke` and `/introspect`. */
export function postForm(socket: string, target: string, form: Record<string, string> | string): Promise<Answer> {
  const body = typeof form === 'string' ? form : new URLSearchParams(form).toString();
  return ask(socket, { method: 'POST', target, headers: { 'content-type': FORM }, body });
}
