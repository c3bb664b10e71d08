import { request } from 'node:http';
import { createProof, generateHolderKey, type HolderKey } from '@tallystick/dpop';
import { ISSUER } from './daemon.ts';

/** What a socket answered. */
export interface SocketAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** The body as JSON; throws when it is none. */
  json(): Record<string, unknown>;
}

/** Sends one HTTP request over a Unix socket, on a connection of its own. */
export function overSocket(
  socketPath: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
  body?: string,
): Promise<SocketAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        socketPath,
        method,
        path,
        agent: false,
        headers: {
          host: new URL(ISSUER).host,
          // Node leaves it out for methods that seldom have a body.
          ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
          ...headers,
        } as never,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: text,
            json: () => JSON.parse(text) as Record<string, unknown>,
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** A workload that speaks plain HTTP and DPoP to a sidecar, without the SDK: what tests bend. */
export interface SocketClient {
  readonly key: HolderKey;
  readonly nonce: string | undefined;
  /** Returns a fresh proof for a route, with the newest nonce. */
  proof(method: string, route: string, extra?: { bth?: string; nonce?: string }): string;
  /** Asks for a token, answering one nonce round. */
  token(form?: Readonly<Record<string, string>>): Promise<SocketAnswer>;
  /** Sends a request with a proof, answering one nonce round. */
  send(method: string, route: string, headers?: Readonly<Record<string, string>>, body?: string): Promise<SocketAnswer>;
}

/** Returns a client with a new key. */
export async function socketClient(socketPath: string, issuer: string = ISSUER): Promise<SocketClient> {
  const key = await generateHolderKey();
  let nonce: string | undefined;
  const proof: SocketClient['proof'] = (method, route, extra = {}) =>
    createProof(key, { method, url: issuer + route, iat: Date.now() / 1000, nonce, ...extra });
  const send: SocketClient['send'] = async (method, route, headers = {}, body) => {
    for (let round = 0; ; round++) {
      const answer = await overSocket(socketPath, method, route, { dpop: proof(method, route), ...headers }, body);
      const given = answer.headers['dpop-nonce'];
      if (typeof given === 'string') nonce = given;
      if (round > 0 || answer.status !== 400 || answer.json().error !== 'use_dpop_nonce') return answer;
    }
  };
  return {
    key,
    get nonce() {
      return nonce;
    },
    proof,
    send,
    token: (form = {}) =>
      send(
        'POST',
        '/token',
        { 'content-type': 'application/x-www-form-urlencoded' },
        new URLSearchParams({ grant_type: 'client_credentials', ...form }).toString(),
      ),
  };
}
