import { hash, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ERROR_CODES,
  leaseId,
  systemClock,
  systemRandom,
  TallystickError,
  type Clock,
  type IdentityState,
} from '@tallystick/core';
import {
  bodyHash,
  createMemoryReplayStore,
  createNonceSource,
  judgeProof,
  ProofError,
  readProof,
  type Proof,
} from '@tallystick/dpop';
import {
  formatError,
  formatEvent,
  formatReplyClaims,
  formatSealedReply,
  formatTokenResponse,
  formatUpstreamProofAsk,
  formatUsageReceipt,
  HEARTBEAT,
  htuOfRoute,
  parseCredentialRequest,
  parseTokenRequest,
  parseUsageReport,
  ROUTES,
  serverMetadata,
  type CredentialReply,
  type CredentialRequest,
  type IdentityDocument,
  type TokenRequest,
  type UpstreamProofAsk,
  type UsageReport,
} from '@tallystick/protocol';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { honestReply, ReplyKey, type Making, type SeenCredentialRequest } from './fake-replies.ts';

/** A request that the fake has let in. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly proof: Proof | undefined;
  readonly token: TokenRequest | undefined;
  readonly usage: UsageReport | undefined;
  readonly credential: CredentialRequest | undefined;
}

interface Lease {
  readonly id: string;
  readonly token: string;
  readonly jkt: string;
  readonly identity: string;
  readonly key: string;
  readonly expiresAtMs: number;
  readonly rotateAtMs: number;
  /** Thumbprint, where it is of a certificate. */
  readonly x5t?: string | undefined;
  stale: boolean;
}

/** What a test may change while the fake runs. */
export interface FakeOptions {
  issuer?: string;
  clock?: Pick<Clock, 'nowMs'>;
  /** Identities this workload has. */
  identities?: IdentityDocument[];
  lifetimeSeconds?: number;
  /** Answers in the place of the fake where it returns something. */
  intercept?: (
    request: SeenRequest,
  ) => FakeAnswer | TallystickError | 'destroy' | 'hang' | undefined | Promise<undefined>;
  /** Changes what is answered. */
  tamper?: (path: string, body: Record<string, unknown>) => Record<string, unknown>;
  /** False leaves the event stream without heartbeats. */
  heartbeats?: boolean;
  /** The signed head that answers carry. */
  logHead?: string;
  /** What upstreams give. Without it there are none. */
  making?: (seen: SeenCredentialRequest) => Making | TallystickError | AskedProof | Promise<Making | AskedProof>;
  /** Makes the sealed text in the place of the fake, as a man in the middle does. */
  reseal?: (seen: SeenCredentialRequest, reply: CredentialReply, honest: string) => string;
}

/** A refusal that asks for a proof for another authorization server. */
export interface AskedProof {
  readonly ask: UpstreamProofAsk;
}

type Optional = 'intercept' | 'tamper' | 'logHead' | 'making' | 'reseal';

export interface FakeAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
}

export const LEDGER: IdentityDocument['credentials'][number] = {
  name: 'ledger-api',
  type: 'access-token',
  audience: 'https://ledger.acme.example',
  scope: 'journal.write',
  use: ['https://ledger.acme.example/'],
  binding: 'dpop',
  delivery: 'plain',
  attribution: 'process',
};

export const CLOSE_BATCH: IdentityDocument = {
  id: 'spiffe://acme.example/payments/close-batch',
  owner: { id: 'team-payments', kind: 'team' },
  environment: 'test',
  processes: ['BP-1042'],
  state: 'active',
  revocable: 'exp',
  credentials: [LEDGER],
};

/** Returns what an identity may have of an upstream. */
export function sealedCredential(
  name: string,
  type: string,
  more: Partial<typeof LEDGER> = {},
): IdentityDocument['credentials'][number] {
  const none = { audience: undefined, scope: undefined, use: [], binding: 'none' };
  return { ...LEDGER, ...none, name, type, delivery: 'sealed', ...more };
}

/** Returns a document of the usual identity with the usual credential for other URLs. */
export function identityFor(use: readonly string[], more: Partial<IdentityDocument> = {}): IdentityDocument {
  return { ...CLOSE_BATCH, credentials: [{ ...LEDGER, use }], ...more };
}

/** A strict sidecar: it checks every proof as the real one must, mints tokens by jose, and does what a test tells it. */
export class FakeSidecar {
  readonly socketPath: string;
  readonly options: Required<Omit<FakeOptions, Optional>> & Pick<FakeOptions, Optional>;
  /** Every request that was let in, in order. */
  readonly seen: SeenRequest[] = [];
  mints = 0;
  publicJwk: JWK = {};
  epoch = '';
  /** Signs sealed answers. */
  readonly replyKey = new ReplyKey();
  readonly #folder: string;
  #server = createServer();
  #privateKey: CryptoKey | undefined;
  #nonces = createNonceSource({ secret: systemRandom.bytes(32), realm: 'fake', clock: systemClock });
  #replays = createMemoryReplayStore();
  #leases: Lease[] = [];
  readonly #streams = new Set<{ response: ServerResponse; jkt: string; identity: string; seq: number }>();
  readonly #waiting: (() => void)[] = [];

  private constructor(options: FakeOptions, socketPath: string | undefined) {
    this.#folder = mkdtempSync(join(tmpdir(), 'ts-sdk-'));
    this.socketPath = socketPath ?? join(this.#folder, 'api.sock');
    this.options = {
      issuer: 'https://tallystick.acme.example',
      clock: systemClock,
      identities: [CLOSE_BATCH],
      lifetimeSeconds: 900,
      heartbeats: true,
      ...options,
    };
  }

  static async start(options: FakeOptions = {}, socketPath?: string): Promise<FakeSidecar> {
    const fake = new FakeSidecar(options, socketPath);
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    fake.#privateKey = privateKey;
    fake.publicJwk = await exportJWK(publicKey);
    await fake.up();
    return fake;
  }

  /** Starts to listen, as after a restart: with another epoch, another nonce secret, no leases, no memory of proofs. */
  async up(): Promise<void> {
    this.epoch = leaseId(systemClock, systemRandom);
    this.#nonces = createNonceSource({ secret: systemRandom.bytes(32), realm: 'fake', clock: systemClock });
    this.#replays = createMemoryReplayStore();
    this.#leases = [];
    const server = createServer((request, response) => void this.#handle(request, response));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.socketPath, resolve));
  }

  /** Dies as by `kill -9`: connections end, the socket file stays or goes. */
  async down(): Promise<void> {
    const server = this.#server;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  async stop(): Promise<void> {
    if (this.#server.listening) await this.down();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Changes the nonce, so that every proof made with the old one is sent back. */
  forgetNonces(): void {
    this.#nonces = createNonceSource({ secret: systemRandom.bytes(32), realm: 'fake', clock: systemClock });
  }

  get streams(): number {
    return this.#streams.size;
  }

  /** The reports that came, also those that were then refused. */
  get reports(): readonly UsageReport[] {
    return this.seen.flatMap(({ usage }) => usage ?? []);
  }

  get leases(): readonly string[] {
    return this.#leases.map(({ id }) => id);
  }

  /** Sends an event to every stream; `seq` may be forged. */
  push(event: { type: string; [member: string]: unknown }): void {
    for (const stream of this.#streams) stream.response.write(formatEvent({ seq: ++stream.seq, ...event } as never));
  }

  /** Writes to every stream what no sidecar should. */
  pushRaw(text: string): void {
    for (const { response } of this.#streams) response.write(text);
  }

  endStreams(): void {
    for (const { response } of this.#streams) response.destroy();
  }

  /** Revokes leases as an operator does: they are gone, and their holders are told. */
  revoke(...ids: string[]): void {
    this.forget(...ids);
    this.push({ type: 'revoked', leases: ids });
  }

  /** Loses leases without a word to anybody. */
  forget(...ids: string[]): void {
    this.#leases = this.#leases.filter(({ id }) => !ids.includes(id));
  }

  /** Marks leases to be replaced. */
  rotate(...ids: string[]): void {
    for (const lease of this.#leases) if (ids.includes(lease.id)) lease.stale = true;
    this.push({ type: 'rotate', leases: ids });
  }

  setState(state: IdentityState): void {
    this.options.identities = this.options.identities.map((identity) => ({ ...identity, state }));
    if (state !== 'active') this.#leases = [];
    this.push({ type: 'state', state });
  }

  /** Resolves when `holds` is true, looked at after each request and each change of the streams. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #changed(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const { method = '', url: path = '', headers } = request;
    let proof: Proof | undefined;
    let token: TokenRequest | undefined;
    let usage: UsageReport | undefined;
    let credential: CredentialRequest | undefined;
    let answer: FakeAnswer | 'stream' | 'destroy' | 'hang';
    try {
      const bth = method === 'POST' && path.startsWith('/v1/') ? bodyHash(body) : undefined;
      if (path !== '/.well-known/oauth-authorization-server') proof = await this.#prove(request, path, bth);
      if (path === '/token') {
        if (headers['content-type'] !== 'application/x-www-form-urlencoded')
          throw new TallystickError('invalid_request', 'not a form');
        token = parseTokenRequest(body);
      } else if (path === '/v1/usage') {
        if (headers['content-type'] !== 'application/json') throw new TallystickError('invalid_request', 'not JSON');
        usage = parseUsageReport(body);
      } else if (path.startsWith(ROUTES.credentials)) {
        if (headers['content-type'] !== 'application/json') throw new TallystickError('invalid_request', 'not JSON');
        credential = parseCredentialRequest(body);
      } else if (body !== '') throw new TallystickError('invalid_request', 'a body where there is none');
      const seen: SeenRequest = { method, path, headers, proof, token, usage, credential };
      this.seen.push(seen);
      const other = await this.options.intercept?.(seen);
      if (TallystickError.is(other)) throw other;
      answer = other ?? (await this.#answer(seen));
    } catch (error) {
      const known = TallystickError.is(error) ? error : new TallystickError('internal_error', String(error));
      const retryAfter = known.retryAfterMs === undefined ? {} : { 'retry-after': String(known.retryAfterMs / 1000) };
      answer = {
        status: ERROR_CODES[known.code].status || 500,
        body: JSON.stringify(formatError(known)),
        headers: retryAfter,
      };
    }
    if (answer === 'destroy') response.destroy();
    else if (answer === 'stream')
      this.#stream(response, proof!, this.#identityOf(headers['tallystick-identity'] as string | undefined));
    else if (answer !== 'hang') {
      const { status, headers: more } = answer;
      let text = answer.body;
      if (status === 200 && this.options.tamper)
        text = JSON.stringify(this.options.tamper(path, JSON.parse(text) as Record<string, unknown>));
      const date = new Date(this.options.clock.nowMs()).toUTCString();
      response.writeHead(status, {
        'dpop-nonce': this.#nonces.current(),
        'content-type': 'application/json',
        date,
        ...more,
      });
      response.end(text);
    }
    this.#changed();
  }

  async #prove(request: IncomingMessage, path: string, bth: string | undefined): Promise<Proof> {
    const proof = readProof(request.headersDistinct.dpop);
    judgeProof(proof, { method: request.method!, url: htuOfRoute(this.options.issuer, path), bth });
    if (proof.nonce === undefined || this.#nonces.stepOf(proof.nonce) === undefined)
      throw new ProofError('nonce', 'not our nonce');
    if (proof.ath !== undefined) throw new ProofError('ath', 'no token goes to the sidecar');
    if (!(await this.#replays.reserve(proof.jkt + proof.jti, this.#nonces.windowMs)))
      throw new ProofError('replayed', 'seen before');
    return proof;
  }

  #identityOf(named: string | undefined): IdentityDocument {
    const { identities } = this.options;
    if (identities.length === 0) throw new TallystickError('identity_unknown', 'no identity matches');
    if (named === undefined && identities.length > 1)
      throw new TallystickError('identity_ambiguous', 'two identities match');
    const found = named === undefined ? identities[0] : identities.find(({ id }) => id === named);
    if (!found) throw new TallystickError('identity_mismatch', `${named} is not among them`);
    return found;
  }

  async #answer(seen: SeenRequest): Promise<FakeAnswer | 'stream'> {
    const ok = (body: unknown): FakeAnswer => ({ status: 200, body: JSON.stringify(body) });
    const named = seen.headers['tallystick-identity'] as string | undefined;
    switch (`${seen.method} ${seen.path.replace(/^(\/v1\/(leases|credentials)\/).*/, '$1')}`) {
      case 'GET /.well-known/oauth-authorization-server':
        return ok(serverMetadata(this.options.issuer));
      case 'GET /v1/identity':
        return ok(this.#identityOf(named));
      case 'POST /token':
        return ok(formatTokenResponse(await this.#token(seen.proof!, seen.token!)));
      case 'DELETE /v1/leases/': {
        const id = seen.path.slice('/v1/leases/'.length);
        const lease = this.#leases.find((known) => known.id === id && known.jkt === seen.proof!.jkt);
        if (!lease) throw new TallystickError('lease_unknown', 'no such lease');
        this.#leases = this.#leases.filter((known) => known !== lease);
        return { status: 204, body: '' };
      }
      case 'POST /v1/credentials/':
        return this.#credential(seen);
      case 'POST /v1/usage':
        return ok(formatUsageReceipt({ report: seen.usage!.report, recordId: 'rec_2', logHead: this.options.logHead }));
      case 'GET /v1/events':
        return 'stream';
      default:
        throw new TallystickError('route_unknown', seen.path);
    }
  }

  async #token(proof: Proof, request: TokenRequest): Promise<Parameters<typeof formatTokenResponse>[0]> {
    const identity = this.#identityOf(request.clientId);
    if (identity.state !== 'active') throw new TallystickError(`identity_${identity.state}`, 'not active');
    const credential = identity.credentials.find(({ audience }) => audience === request.resource);
    if (!credential) throw new TallystickError('invalid_target', 'no such audience');
    const x5t = this.#certificateFor(credential, request, proof);
    const run = credential.attribution === 'run' ? request.context?.run : undefined;
    const key = [identity.id, credential.name, request.scope?.join(' '), proof.jkt, run, x5t].join(' ');
    const nowMs = this.options.clock.nowMs();
    let lease = this.#leases.find((known) => known.key === key && nowMs < known.rotateAtMs && !known.stale);
    if (!lease) {
      this.mints++;
      const id = leaseId({ nowMs: () => nowMs }, systemRandom);
      const iat = Math.floor(nowMs / 1000);
      const exp = iat + this.options.lifetimeSeconds;
      const token = await new SignJWT({
        client_id: identity.id,
        scope: request.scope?.join(' '),
        cnf: x5t === undefined ? { jkt: proof.jkt } : { 'x5t#S256': x5t },
        tallystick: { lease: id },
        ...(run && { run }),
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
        .setIssuer(this.options.issuer)
        .setSubject(identity.id)
        .setAudience(credential.audience!)
        .setJti(id)
        .setIssuedAt(iat)
        .setExpirationTime(exp)
        .sign(this.#privateKey!);
      const rotateAtMs = nowMs + this.options.lifetimeSeconds * 500;
      lease = {
        id,
        token,
        jkt: proof.jkt,
        identity: identity.id,
        key,
        expiresAtMs: exp * 1000,
        rotateAtMs,
        stale: false,
      };
      this.#leases = [...this.#leases.filter((known) => known.key !== key), lease];
    }
    return {
      accessToken: lease.token,
      tokenType: x5t === undefined ? 'DPoP' : 'Bearer',
      expiresIn: Math.floor((lease.expiresAtMs - nowMs) / 1000),
      scope: request.scope?.join(' ') ?? '',
      leaseId: lease.id,
      rotateAt: new Date(lease.rotateAtMs),
      recordId: 'rec_1',
      logHead: this.options.logHead,
    };
  }

  #certificateFor(
    { certificate }: IdentityDocument['credentials'][number],
    request: TokenRequest,
    { jkt }: Proof,
  ): string | undefined {
    if (certificate === undefined) return undefined;
    if (request.certificate === undefined) throw new TallystickError('certificate_required', 'none is named');
    const lease = this.#leases.find(
      ({ id, key, jkt: own }) => id === request.certificate && key === certificate && own === jkt,
    );
    if (!lease) throw new TallystickError('lease_unknown', 'no such certificate');
    return lease.x5t;
  }

  async #credential({ proof, path, headers, credential: request }: SeenRequest): Promise<FakeAnswer> {
    const name = path.slice(ROUTES.credentials.length);
    const { issuer, clock, making, reseal } = this.options;
    const identity = this.#identityOf(headers['tallystick-identity'] as string | undefined).id;
    const seen = { name, request: request!, identity, issuer, proof: proof!, nowMs: clock.nowMs() };
    const made = await making?.(seen);
    if (made === undefined) throw new TallystickError('credential_unknown', name);
    if (TallystickError.is(made)) throw made;
    if ('ask' in made) {
      const error = formatError(new TallystickError('upstream_proof_required', 'a proof is needed'));
      return { status: 400, body: JSON.stringify({ ...error, ...formatUpstreamProofAsk(made.ask) }) };
    }
    this.mints++;
    const reply = honestReply(seen, { logHead: this.options.logHead, ...made });
    const [expiresAtMs, rotateAtMs] = [reply.expiresAt.getTime(), reply.rotateAt.getTime()];
    this.#leases.push({
      id: reply.leaseId,
      token: '',
      jkt: proof!.jkt,
      identity,
      key: name,
      expiresAtMs,
      rotateAtMs,
      x5t: 'certificate' in reply.material ? thumbprintOf(reply.material.certificate) : undefined,
      stale: false,
    });
    const honest = this.replyKey.seal(formatReplyClaims(reply), request!.sealTo);
    return { status: 200, body: JSON.stringify(formatSealedReply(reseal?.(seen, reply, honest) ?? honest)) };
  }

  #stream(response: ServerResponse, proof: Proof, identity: IdentityDocument): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'dpop-nonce': this.#nonces.current() });
    const stream = { response, jkt: proof.jkt, identity: identity.id, seq: 0 };
    this.#streams.add(stream);
    const leases = this.#leases.filter((lease) => lease.jkt === proof.jkt).map(({ id }) => id);
    response.write(formatEvent({ type: 'snapshot', epoch: this.epoch, seq: 0, state: identity.state, leases }));
    const beat = setInterval(() => this.options.heartbeats && response.write(HEARTBEAT), 1000).unref();
    response.on('close', () => {
      clearInterval(beat);
      this.#streams.delete(stream);
      this.#changed();
    });
  }
}

/** RFC 8705 §3.1; undefined of what is no X.509 certificate. */
function thumbprintOf(certificate: string): string | undefined {
  if (!certificate.startsWith('-----BEGIN CERTIFICATE')) return undefined;
  return hash('sha256', new X509Certificate(certificate).raw, 'base64url');
}
