import { request as send, type IncomingHttpHeaders } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Verifier, VerifierOptions } from '../src/index.ts';
import { openApi, proofOf, type TestApi } from './api.ts';
import { AUDIENCE, ISSUER, SUBJECT } from './issuer.ts';

/** An API on a loopback port. Its handlers answer with what they know of the caller. */
export interface ServedApi {
  readonly port: number;
  /** How many requests reached a handler. */
  readonly handled: () => number;
  close(): Promise<unknown>;
}

/**
 * Serves `GET /v1/entries` and, below a router of its own, `GET /v1/nested/entries`, for every caller;
 * `POST /v1/entries` for those with `journal.write`; `POST /v1/close` for those with `journal.close`.
 */
export type Serve = (verifier: Verifier) => Promise<ServedApi>;

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Headers {
  readonly [name: string]: string | string[];
}

function call(port: number, method: string, path: string, headers: Headers = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const request = send({ host: '127.0.0.1', port, method, path, headers: { ...headers, connection: 'close' } });
  request.on('error', reject);
  request.on('response', (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () =>
      resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks).toString() }),
    );
  });
  request.end();
  return promise;
}

async function open(serve: Serve, options: Partial<VerifierOptions> = {}): Promise<TestApi & { served: ServedApi }> {
  const api = await openApi(options);
  const served = await serve(api.verifier);
  onTestFinished(async () => {
    await served.close();
  });
  return { ...api, served };
}

/** What every adapter does, over real sockets. */
export function adapterSuite(name: string, serve: Serve): void {
  const withProof = ({ key, token }: TestApi, method: string, path: string, nonce?: string): Headers => ({
    authorization: `DPoP ${token}`,
    dpop: proofOf(key, token, { method, url: AUDIENCE + path, nonce }),
  });

  describe(name, () => {
    test.each(['/v1/entries', '/v1/entries?from=1', '/v1/nested/entries'])(
      'lets a verified request pass, with its caller: %s',
      async (path) => {
        const api = await open(serve);
        const answer = await call(api.served.port, 'GET', path, withProof(api, 'GET', path));
        expect(answer).toMatchObject({ status: 200 });
        expect(JSON.parse(answer.body)).toEqual({ identity: SUBJECT, owner: 'team-payments' });
      },
    );

    test('RFC 6750 §3.1: answers a request without credentials with a bare challenge, and runs no handler', async () => {
      const { served } = await open(serve);
      const answer = await call(served.port, 'GET', '/v1/entries');
      expect(answer).toMatchObject({ status: 401, body: '' });
      expect(answer.headers).toMatchObject({
        'www-authenticate': `DPoP algs="ES256 ES384 Ed25519 PS256", resource_metadata="${AUDIENCE}/.well-known/oauth-protected-resource"`,
        'cache-control': 'no-store',
      });
      expect(served.handled()).toBe(0);
    });

    test('answers a replayed proof with the error in header and body, and runs no handler', async () => {
      const api = await open(serve);
      const headers = withProof(api, 'GET', '/v1/entries');
      await call(api.served.port, 'GET', '/v1/entries', headers);
      const answer = await call(api.served.port, 'GET', '/v1/entries', headers);
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toMatch(/^DPoP error="invalid_dpop_proof"/);
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
      expect(JSON.parse(answer.body)).toEqual({
        error: 'invalid_dpop_proof',
        error_description: 'the proof has been used before',
      });
      expect(api.served.handled()).toBe(1);
    });

    test('RFC 9449 §7.2: refuses two Authorization headers with 400, and two DPoP headers with 401', async () => {
      const api = await open(serve);
      const good = withProof(api, 'GET', '/v1/entries');
      const twice = (header: string): Headers => ({
        ...good,
        [header]: [good[header] as string, good[header] as string],
      });
      expect((await call(api.served.port, 'GET', '/v1/entries', twice('authorization'))).status).toBe(400);
      const answer = await call(api.served.port, 'GET', '/v1/entries', twice('dpop'));
      expect(answer.status).toBe(401);
      expect(answer.body).toContain('more than one DPoP header');
      expect(api.served.handled()).toBe(0);
    });

    test('lets callers with the scope pass, and refuses the others with 403', async () => {
      const api = await open(serve);
      expect(await call(api.served.port, 'POST', '/v1/entries', withProof(api, 'POST', '/v1/entries'))).toMatchObject({
        status: 200,
      });
      const answer = await call(api.served.port, 'POST', '/v1/close', withProof(api, 'POST', '/v1/close'));
      expect(answer.status).toBe(403);
      expect(answer.headers['www-authenticate']).toContain('error="insufficient_scope"');
      expect(answer.headers['www-authenticate']).toContain('scope="journal.close"');
      expect(JSON.parse(answer.body)).toMatchObject({ error: 'insufficient_scope' });
    });

    test('RFC 9728 §3: serves the metadata to everybody', async () => {
      const { served } = await open(serve);
      const answer = await call(served.port, 'GET', '/.well-known/oauth-protected-resource');
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
      expect(JSON.parse(answer.body)).toMatchObject({ resource: AUDIENCE, authorization_servers: [ISSUER] });
    });

    test('RFC 9449 §8.2: gives the nonce with refusals and with good answers', async () => {
      const api = await open(serve, { nonceSecret: new Uint8Array(32) });
      const asked = await call(api.served.port, 'GET', '/v1/entries', withProof(api, 'GET', '/v1/entries'));
      expect(asked.status).toBe(401);
      const nonce = asked.headers['dpop-nonce'] as string;
      const answer = await call(api.served.port, 'GET', '/v1/entries', withProof(api, 'GET', '/v1/entries', nonce));
      expect(answer).toMatchObject({ status: 200, headers: { 'dpop-nonce': nonce } });
    });

    test('answers 503 while proofs cannot be checked for replay', async () => {
      const api = await open(serve, { replayStore: { reserve: () => Promise.reject(new Error('down')) } });
      const answer = await call(api.served.port, 'GET', '/v1/entries', withProof(api, 'GET', '/v1/entries'));
      expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
      expect(answer.body).not.toContain('down');
    });

    test('runs no handler when verification has a defect', async () => {
      const { verifier } = await openApi();
      const served = await serve({ ...verifier, verify: () => Promise.reject(new TypeError('defect')) });
      onTestFinished(async () => {
        await served.close();
      });
      expect((await call(served.port, 'GET', '/v1/entries')).status).toBe(500);
      expect(served.handled()).toBe(0);
    });
  });
}
