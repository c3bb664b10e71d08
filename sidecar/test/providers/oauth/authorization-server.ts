import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { judgeProof, readProof } from '@tallystick/dpop';
import { generateKeyPair, jwtVerify, SignJWT, type CryptoKey } from 'jose';

/** A request that reached the token endpoint. */
export interface TokenRequest {
  readonly headers: IncomingMessage['headers'];
  readonly form: Readonly<Record<string, string>>;
  /** Thumbprint of the key of its proof. */
  readonly jkt: string;
}

/** What a server answers. */
export interface ServerAnswer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** Text as it is, anything else as JSON. */
  readonly body: unknown;
}

/** An authorization server on loopback that takes nothing amiss: it checks proof and client as RFC 9449 and 10070 say. */
export interface AuthorizationServer {
  /** Where it listens. */
  readonly url: string;
  readonly issuer: string;
  readonly tokenEndpoint: string;
  /** Requests for tokens, refused ones too. */
  readonly requests: TokenRequest[];
  /** Paths of requests for metadata. */
  readonly metadataRequests: string[];
  /** The nonce that proofs must have; undefined: none. */
  nonce: string | undefined;
  /** Changes the metadata. */
  metadata: (members: Record<string, unknown>) => ServerAnswer | undefined;
  /** Answers a good request in the place of a token. */
  answer: (request: TokenRequest) => ServerAnswer | undefined;
  /** Claims of the next token, over those it would have. */
  claims: Record<string, unknown>;
  /** Members of the next answer, over those it would have. */
  members: Record<string, unknown>;
  /** Verifies the signature of our JWTs, in every role. */
  readonly trusted: CryptoKey;
  /** Lets it be reached at another URL origin, by which it calls itself from then on. */
  publishAt(origin: string): void;
  close(): void;
  /** Signs as the sidecar's own keys do. */
  sign(
    role: 'client' | 'federation',
    claims: Readonly<Record<string, unknown>>,
    options?: { typ?: string },
  ): Promise<string>;
}

export const CLIENT_SECRET = 'canary-client-secret é+&=';
export const FEDERATION = 'https://identity.acme.example';

export async function authorizationServer(options: {
  readonly clock: { nowMs(): number };
  /** Which of the two metadata documents there is. Default: that of RFC 8414. */
  readonly openid?: boolean;
}): Promise<AuthorizationServer> {
  const { clock, openid = false } = options;
  const [own, theirs] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')];
  const seen = new Set<string>();
  const http = createServer((request, response) => {
    void handle(request).then(({ status = 200, headers = {}, body }) => {
      const sent = typeof body === 'string' ? body : JSON.stringify(body);
      response.writeHead(status, {
        'content-type': 'application/json',
        ...(server.nonce !== undefined && { 'dpop-nonce': server.nonce }),
        ...headers,
      });
      response.end(sent);
    });
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  let issuer = `${url}/realms/prod`;
  const metadataPath = openid
    ? '/realms/prod/.well-known/openid-configuration'
    : '/.well-known/oauth-authorization-server/realms/prod';

  const refusal = (error: string, status = 400): ServerAnswer => ({
    status,
    body: { error, error_description: 'canary-description of what stands in the log of the server' },
  });

  const handle = async (request: IncomingMessage): Promise<ServerAnswer> => {
    if (request.url?.includes('.well-known')) {
      server.metadataRequests.push(request.url);
      if (request.url !== metadataPath) return { status: 404, body: 'nothing here' };
      const members = {
        issuer,
        token_endpoint: server.tokenEndpoint,
        grant_types_supported: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
        dpop_signing_alg_values_supported: ['ES256', 'EdDSA'],
        token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_basic'],
      };
      return server.metadata(members) ?? { body: members };
    }
    if (request.url !== '/realms/prod/token' || request.method !== 'POST') return { status: 404, body: 'nothing here' };
    return token(request);
  };

  const token = async (request: IncomingMessage): Promise<ServerAnswer> => {
    const form = Object.fromEntries(new URLSearchParams(await text(request)));
    const proof = readProof(request.headersDistinct.dpop);
    judgeProof(proof, {
      method: 'POST',
      url: server.tokenEndpoint,
      iat: { now: clock.nowMs() / 1000, pastSeconds: 30, futureSeconds: 5 },
    });
    const made = { headers: request.headers, form, jkt: proof.jkt };
    server.requests.push(made);
    if (server.nonce !== proof.nonce) return refusal('use_dpop_nonce');
    if (seen.has(proof.jti)) return refusal('invalid_dpop_proof');
    seen.add(proof.jti);
    if (!(await isClient(request, form))) return refusal('invalid_client', 401);
    return server.answer(made) ?? granted(made);
  };

  const isClient = async (request: IncomingMessage, form: Record<string, string>): Promise<boolean> => {
    if (request.headers.authorization !== undefined) {
      const [id, secret] = Buffer.from(request.headers.authorization.slice('Basic '.length), 'base64')
        .toString()
        .split(':');
      const decode = (part = ''): string => new URLSearchParams(`x=${part}`).get('x')!;
      return decode(id) === 'close-batch' && decode(secret) === CLIENT_SECRET;
    }
    if (form.client_secret !== undefined)
      return form.client_id === 'close-batch' && form.client_secret === CLIENT_SECRET;
    const isSpiffe = form.client_assertion_type === 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';
    const verified = await jwtVerify(form.client_assertion!, own.publicKey, {
      audience: issuer,
      subject: isSpiffe ? 'spiffe://acme.example/close-batch' : 'close-batch',
      issuer: isSpiffe ? FEDERATION : 'close-batch',
      typ: isSpiffe ? 'JWT' : 'client-authentication+jwt',
      requiredClaims: ['exp', 'jti', 'iat'],
      currentDate: new Date(clock.nowMs()),
    }).catch(() => undefined);
    if (!verified) return false;
    const { payload } = verified;
    if (payload.aud !== issuer || payload.exp! - payload.iat! > 60 || seen.has(payload.jti!)) return false;
    seen.add(payload.jti!);
    return true;
  };

  const granted = async ({ form, jkt }: TokenRequest): Promise<ServerAnswer> => {
    const now = Math.floor(clock.nowMs() / 1000);
    const claims = {
      iss: issuer,
      sub: 'close-batch',
      aud: form.resource ?? form.audience ?? 'account',
      iat: now,
      exp: now + 300,
      jti: `jti-${server.requests.length}`,
      cnf: { jkt },
      ...server.claims,
    };
    const signed = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
      .sign(theirs.privateKey);
    const isExchange = form.requested_token_type !== undefined;
    return {
      body: {
        access_token: signed,
        token_type: 'DPoP',
        expires_in: 300,
        ...(form.scope !== undefined && { scope: form.scope }),
        ...(isExchange && { issued_token_type: form.requested_token_type }),
        refresh_token: 'canary-refresh-token',
        ...server.members,
      },
    };
  };

  const server: AuthorizationServer = {
    url,
    get issuer() {
      return issuer;
    },
    get tokenEndpoint() {
      return `${issuer}/token`;
    },
    publishAt(origin) {
      issuer = `${origin}/realms/prod`;
    },
    close() {
      http.closeAllConnections();
      http.close();
    },
    requests: [],
    metadataRequests: [],
    nonce: undefined,
    metadata: () => undefined,
    answer: () => undefined,
    claims: {},
    members: {},
    trusted: own.publicKey,
    sign: (role, claims, { typ = 'JWT' } = {}) =>
      new SignJWT({ ...claims, ...(role === 'federation' && { iss: FEDERATION }) })
        .setProtectedHeader({ alg: 'ES256', typ, kid: role })
        .sign(own.privateKey),
  };
  return server;
}
