import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, systemRandom } from '@tallystick/core';
import {
  accessTokenHash,
  createMemoryReplayStore,
  createNonceSource,
  judgeProof,
  ProofError,
  readProof,
} from '@tallystick/dpop';
import { importJWK, jwtVerify, type JWK } from 'jose';

/** A request as the API got it. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** What an API does with a request before it would judge it; true when it has answered. */
export type Behaviour = (request: ApiRequest, response: ServerResponse) => boolean | void;

/** A strict resource server: jose judges the token, `@tallystick/dpop` the proof. Answers with what it saw. */
export class FakeApi {
  readonly seen: ApiRequest[] = [];
  behave: Behaviour | undefined;
  /** True to demand a nonce (RFC 9449 §9). */
  nonces = false;
  /** Checks `iat` in a window, by a clock that may be wrong. */
  clockOffsetMs: number | undefined;
  readonly origin: string;
  readonly #server: Server;
  readonly #jwk: JWK;
  readonly #replays = createMemoryReplayStore();
  #nonceSource = createNonceSource({ secret: systemRandom.bytes(32), realm: 'api', clock: systemClock });

  private constructor(server: Server, jwk: JWK) {
    this.#server = server;
    this.#jwk = jwk;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.#handle(request, response));
  }

  static async start(jwk: JWK): Promise<FakeApi> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FakeApi(server, jwk);
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  rotateNonce(): void {
    this.#nonceSource = createNonceSource({ secret: systemRandom.bytes(32), realm: 'api', clock: systemClock });
  }

  async #handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    const { method = '', url: path = '', headers, rawHeaders } = message;
    const request: ApiRequest = { method, path, headers, rawHeaders, body: Buffer.concat(chunks).toString() };
    this.seen.push(request);
    if (this.behave?.(request, response)) return;
    const more = this.nonces ? { 'dpop-nonce': this.#nonceSource.current() } : {};
    const date = new Date(Date.now() + (this.clockOffsetMs ?? 0)).toUTCString();
    try {
      const caller = await this.#verify(message);
      response.writeHead(200, { 'content-type': 'application/json', date, ...more });
      response.end(JSON.stringify({ caller, method, path, body: request.body, contentType: headers['content-type'] }));
    } catch (error) {
      const name =
        error instanceof ProofError
          ? error.fault === 'nonce'
            ? 'use_dpop_nonce'
            : 'invalid_dpop_proof'
          : 'invalid_token';
      response.writeHead(401, {
        'www-authenticate': `DPoP error="${name}", algs="ES256"`,
        'content-length': 0,
        date,
        ...more,
      });
      response.end();
    }
  }

  async #verify(message: IncomingMessage): Promise<string> {
    const [scheme, token = ''] = (message.headers.authorization ?? '').split(' ');
    if (scheme !== 'DPoP') throw new Error('no token');
    const { payload } = await jwtVerify(token, await importJWK(this.#jwk, 'ES256'), { typ: 'at+jwt' });
    const proof = readProof(message.headersDistinct.dpop);
    const offset = this.clockOffsetMs;
    judgeProof(proof, {
      method: message.method!,
      url: this.origin + message.url!.split('?')[0]!,
      ath: accessTokenHash(token),
      jkt: (payload.cnf as { jkt: string }).jkt,
      iat: offset === undefined ? undefined : { now: (Date.now() + offset) / 1000, pastSeconds: 60, futureSeconds: 10 },
    });
    if (this.nonces && this.#nonceSource.stepOf(proof.nonce ?? '') === undefined)
      throw new ProofError('nonce', 'not our nonce');
    if (!(await this.#replays.reserve(proof.jti, 60_000))) throw new ProofError('replayed', 'seen before');
    return payload.sub!;
  }
}
