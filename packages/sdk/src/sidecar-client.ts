import { isSpiffeId, printable, TallystickError, type CredentialType } from '@tallystick/core';
import { bodyHash, createProof, normalizeHtu, type HolderKey } from '@tallystick/dpop';
import {
  createOneTimeKey,
  formatCredentialRequest,
  formatTokenRequest,
  formatUsageReport,
  HEADERS,
  htuOfRoute,
  parseError,
  parseIdentityDocument,
  parseServerMetadata,
  parseTokenResponse,
  parseUpstreamProofAsk,
  parseUsageReceipt,
  ROUTES,
  type IdentityDocument,
  type TokenResponse,
  type UpstreamProof,
  type UpstreamProofAsk,
  type UsageReceipt,
  type UsageReport,
} from '@tallystick/protocol';
import { correctedOffsetMs } from './clock-skew.ts';
import { DEADLINE_MS, withDeadline } from './deadline.ts';
import { LogHeads } from './log-heads.ts';
import { nonceOf } from './nonce-text.ts';
import { suppressTracing, type ClaimedProcess } from './observe.ts';
import { openReply, type ReplyOf } from './open-reply.ts';
import type { Runtime } from './runtime.ts';
import type { SocketAnswer, SocketRequest, Transport } from './transport.ts';
import type { SidecarTrust } from './trust-file.ts';

/** What a token is asked for. */
export interface TokenAsk {
  readonly audience: string | undefined;
  readonly scope: string | undefined;
  readonly process: ClaimedProcess | undefined;
  /** Trace context for the sidecar. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What a credential is asked for. */
export interface CredentialAsk<K extends CredentialType> extends Omit<TokenAsk, 'audience' | 'scope'> {
  readonly name: string;
  readonly type: K;
  /** Of the key that a certificate is for. */
  readonly csr?: string | undefined;
  readonly publicKey?: string | undefined;
  readonly upstreamProof?: UpstreamProof | undefined;
}

/** The sidecar's error where the credential takes a proof for another authorization server. */
export class UpstreamProofAsked extends Error {
  readonly ask: UpstreamProofAsk;
  readonly error: TallystickError;

  constructor(ask: UpstreamProofAsk, error: TallystickError) {
    super(error.message);
    this.ask = ask;
    this.error = error;
  }
}

type Call = Pick<SocketRequest, 'method' | 'path'> & {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** An answer that is a success, and the proof of its request. */
interface Proven {
  readonly answer: SocketAnswer;
  readonly proof: string;
}

type Correction = 'nonce' | 'clock' | 'issuer' | 'connection';

/** Speaks to one sidecar with one key, for one identity once it is known. Holds no credential. */
export class SidecarClient {
  readonly key: HolderKey;
  readonly socketPath: string;
  readonly #runtime: Runtime;
  readonly #transport: Transport;
  readonly #closed = new AbortController();
  readonly #heads = new LogHeads();
  readonly #trust: SidecarTrust | undefined;
  #identity: string | undefined;
  #issuer: string | undefined;
  #nonce: string | undefined;
  #offsetMs = 0;

  /**
   * @param identity The one that was asked for. Undefined: the only one that the sidecar knows this workload by.
   * @param trust Says who the sidecar is. Undefined: whoever answers on the socket.
   */
  constructor(
    runtime: Runtime,
    socketPath: string,
    key: HolderKey,
    identity: string | undefined,
    trust?: SidecarTrust,
  ) {
    this.#runtime = runtime;
    this.socketPath = socketPath;
    this.#transport = runtime.transport(socketPath);
    this.key = key;
    this.#identity = identity;
    this.#trust = trust;
  }

  /**
   * Asks who this workload is. The answer pins the identity for all that follows.
   *
   * @throws {TallystickError} `identity_mismatch`: the sidecar named another than was asked for.
   */
  async identity(): Promise<IdentityDocument> {
    const document = parseIdentityDocument(await this.#ask({ method: 'GET', path: ROUTES.identity }));
    if (!isSpiffeId(document.id))
      throw new TallystickError('protocol_error', 'the sidecar named an identity that is no SPIFFE ID');
    if (this.#identity !== undefined && document.id !== this.#identity) {
      throw new TallystickError(
        'identity_mismatch',
        `the sidecar answered for ${document.id}, not for ${this.#identity}`,
      );
    }
    this.#identity = document.id;
    return document;
  }

  /** The identity that the sidecar has named. */
  get identityId(): string {
    if (this.#identity === undefined) throw new TypeError('the sidecar has named no identity yet');
    return this.#identity;
  }

  /** Asks for an access token bound to the key. */
  async token({ audience, scope, process, headers }: TokenAsk): Promise<TokenResponse> {
    const logHead = this.#heads.newest;
    const body = formatTokenRequest({ clientId: this.#identity, resource: audience, scope, process, logHead });
    const answer = await this.#ask({
      method: 'POST',
      path: ROUTES.token,
      body,
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
    });
    const response = parseTokenResponse(answer);
    this.#heads.learn(response.logHead);
    return response;
  }

  /**
   * Asks for a credential that is sealed to a key of this one request.
   *
   * @throws {UpstreamProofAsked} It takes a proof for another authorization server.
   */
  async credential<K extends CredentialType>(ask: CredentialAsk<K>): Promise<ReplyOf<K>> {
    const { name, type, headers, ...request } = ask;
    const oneTimeKey = createOneTimeKey();
    const body = formatCredentialRequest({ ...request, type, sealTo: oneTimeKey.jwk, logHead: this.#heads.newest });
    const call: Call = {
      method: 'POST',
      path: ROUTES.credentials + encodeURIComponent(name),
      body,
      headers: { ...headers, 'content-type': 'application/json' },
    };
    const { text, proof } = await this.#exchange(call);
    const reply = openReply(text, {
      oneTimeKey,
      isReplyKey: this.#trust?.isReplyKey,
      issuer: this.#issuer!,
      identity: this.identityId,
      jkt: this.key.jkt,
      request: jtiOf(proof),
      bth: bodyHash(body),
      name,
      type,
    });
    this.#heads.learn(reply.logHead);
    return reply;
  }

  /** Reports what was done with leases; resolves when that is on record. */
  async usage(report: Omit<UsageReport, 'logHead'>): Promise<UsageReceipt> {
    const body = formatUsageReport({ ...report, logHead: this.#heads.newest });
    const headers = { 'content-type': 'application/json' };
    const receipt = parseUsageReceipt(await this.#ask({ method: 'POST', path: ROUTES.usage, body, headers }));
    this.#heads.learn(receipt.logHead);
    return receipt;
  }

  /** Lets go of a lease. One that has already ended is let go of. */
  async letGo(leaseId: string): Promise<void> {
    try {
      await this.#ask({ method: 'DELETE', path: ROUTES.leases + encodeURIComponent(leaseId) });
    } catch (error) {
      if (!TallystickError.is(error) || error.code !== 'lease_unknown') throw error;
    }
  }

  /** Opens the event stream; resolves with its text as it comes, until `signal` aborts. */
  events(signal: AbortSignal): Promise<AsyncIterable<string>> {
    const call: Call = { method: 'GET', path: ROUTES.events, headers: { accept: 'text/event-stream' } };
    return this.#corrected(signal, async (fresh) => (await this.#prove(call, signal, fresh)).answer.chunks());
  }

  /** Ends all that is under way. */
  close(): void {
    this.#closed.abort(new TallystickError('identity_closed', 'the identity was closed'));
    this.#transport.close();
  }

  async #ask(call: Call): Promise<string> {
    return (await this.#exchange(call)).text;
  }

  /** Resolves with the body of a successful answer, and the proof of the attempt that had it. */
  #exchange(call: Call): Promise<{ text: string; proof: string }> {
    return withDeadline(this.#runtime.timers, DEADLINE_MS, this.#closed.signal, (signal) =>
      this.#corrected(signal, async (fresh) => {
        const { answer, proof } = await this.#prove(call, signal, fresh);
        return { text: await textOf(answer), proof };
      }),
    );
  }

  /** Makes an attempt, and again, once for each thing that can be corrected. */
  async #corrected<T>(signal: AbortSignal, attempt: (fresh: boolean) => Promise<T>): Promise<T> {
    const corrected = new Set<Correction>();
    for (;;) {
      try {
        return await attempt(corrected.has('connection'));
      } catch (error) {
        const correction = signal.aborted ? undefined : await this.#correct(error, signal, corrected);
        if (correction === undefined || corrected.has(correction)) throw error instanceof Refused ? error.error : error;
        corrected.add(correction);
      }
    }
  }

  /** Sends one proven request and resolves with its answer when it is a success. */
  async #prove(call: Call, signal: AbortSignal, fresh: boolean): Promise<Proven> {
    const issuer = (this.#issuer ??= await this.#readIssuer(signal, fresh));
    const nonce = this.#nonce;
    const proof = createProof(this.key, {
      method: call.method,
      url: htuOfRoute(issuer, call.path),
      iat: Math.floor((this.#runtime.clock.nowMs() + this.#offsetMs) / 1000),
      nonce,
      // What `/v1` takes is bound to its proof; `/token` is as RFC 9449 has it.
      bth: call.body !== undefined && isOurs(call.path) ? bodyHash(call.body) : undefined,
    });
    const headers = {
      ...call.headers,
      [HEADERS.proof]: proof,
      ...(this.#identity !== undefined && isOurs(call.path) && { [HEADERS.identity]: this.#identity }),
    };
    const answer = await this.#send({ ...call, headers, signal, fresh });
    if (answer.status >= 200 && answer.status <= 299) return { answer, proof };
    const body = await textOf(answer);
    const error = errorOf(answer, body);
    const ask = error.code === 'upstream_proof_required' ? parseUpstreamProofAsk(body) : undefined;
    throw ask ? new UpstreamProofAsked(ask, error) : new Refused(error, nonce, answer.header('date'));
  }

  async #readIssuer(signal: AbortSignal, fresh: boolean): Promise<string> {
    const answer = await this.#send({ method: 'GET', path: ROUTES.metadata, headers: {}, signal, fresh });
    const body = await textOf(answer);
    if (answer.status !== 200) throw errorOf(answer, body);
    const { issuer } = parseServerMetadata(body);
    if (normalizeHtu(issuer) === undefined)
      throw new TallystickError('protocol_error', 'the sidecar names an issuer that is no URL');
    if (this.#trust && issuer !== this.#trust.issuer) {
      throw new TallystickError(
        'reply_untrusted',
        `the sidecar says that it is ${printable(issuer, 200)}, and the trust file that it is ${this.#trust.issuer}`,
      );
    }
    return issuer;
  }

  async #send(request: SocketRequest): Promise<SocketAnswer> {
    this.#runtime.trustSocket(this.socketPath);
    const answer = await suppressTracing(() => this.#transport.send(request)).catch(connectionLost);
    this.#nonce = nonceOf(answer.header(HEADERS.nonce)) ?? this.#nonce;
    return answer;
  }

  /** Does what makes another attempt worth while, and names it; undefined where nothing does. */
  async #correct(
    fault: unknown,
    signal: AbortSignal,
    corrected: ReadonlySet<Correction>,
  ): Promise<Correction | undefined> {
    if (fault instanceof Refused) return this.#correctRefusal(fault, signal);
    if (!TallystickError.is(fault) || fault.code !== 'sidecar_unavailable' || corrected.has('connection'))
      return undefined;
    const { pause, random } = this.#runtime;
    // A socket that nobody listens on gets the moment that a restart takes.
    if (codeOf(fault.cause) !== 'ECONNRESET') await pause(100 + 150 * random.uniform());
    return 'connection';
  }

  async #correctRefusal({ error, nonce, date }: Refused, signal: AbortSignal): Promise<Correction | undefined> {
    if (error.code === 'use_dpop_nonce') return this.#nonce === nonce ? undefined : 'nonce';
    if (error.code !== 'invalid_proof') return undefined;
    const offsetMs = correctedOffsetMs(date, this.#runtime.clock.nowMs(), this.#offsetMs);
    if (offsetMs !== undefined) {
      this.#offsetMs = offsetMs;
      return 'clock';
    }
    // A sidecar that came back with another issuer URL expects another htu.
    const issuer = await this.#readIssuer(signal, false);
    if (issuer === this.#issuer) return undefined;
    this.#issuer = issuer;
    return 'issuer';
  }
}

/** An answer that is not a success, with what its correction needs. */
class Refused extends Error {
  readonly error: TallystickError;
  readonly nonce: string | undefined;
  readonly date: string | undefined;

  constructor(error: TallystickError, nonce: string | undefined, date: string | undefined) {
    super(error.message);
    this.error = error;
    this.nonce = nonce;
    this.date = date;
  }
}

/** True for a route that OAuth does not know. */
function isOurs(path: string): boolean {
  return path.startsWith('/v1/');
}

function errorOf(answer: SocketAnswer, body: string): TallystickError {
  return parseError({ status: answer.status, body, retryAfter: answer.header('retry-after') });
}

/** Returns the `jti` of a proof of ours. */
function jtiOf(proof: string): string {
  const claims = Buffer.from(proof.split('.')[1]!, 'base64url').toString();
  return (JSON.parse(claims) as { jti: string }).jti;
}

function textOf(answer: SocketAnswer): Promise<string> {
  return answer.text().catch(connectionLost);
}

function connectionLost(cause: unknown): never {
  const why = codeOf(cause) ?? (cause as Error).message;
  throw new TallystickError('sidecar_unavailable', `the connection to the sidecar failed: ${printable(why)}`, {
    cause,
    ...(why === 'EACCES' && { remedy: 'let this user write to the socket ("mode" of the workload socket)' }),
  });
}

function codeOf(error: unknown): string | undefined {
  return (error as { code?: string } | undefined)?.code;
}
