import { isSpiffeId, printable, TallystickError } from '@tallystick/core';
import { bodyHash, createProof, normalizeHtu, type HolderKey } from '@tallystick/dpop';
import {
  formatTokenRequest,
  formatUsageReport,
  HEADERS,
  htuOfRoute,
  parseError,
  parseIdentityDocument,
  parseServerMetadata,
  parseTokenResponse,
  parseUsageReceipt,
  ROUTES,
  type IdentityDocument,
  type TokenResponse,
  type UsageReceipt,
  type UsageReport,
} from '@tallystick/protocol';
import { correctedOffsetMs } from './clock-skew.ts';
import { DEADLINE_MS, withDeadline } from './deadline.ts';
import { LogHeads } from './log-heads.ts';
import { nonceOf } from './nonce-text.ts';
import { suppressTracing } from './observe.ts';
import type { Runtime } from './runtime.ts';
import type { SocketAnswer, SocketRequest, Transport } from './transport.ts';

/** What a token is asked for. */
export interface TokenAsk {
  readonly audience: string | undefined;
  readonly scope: string | undefined;
  readonly process: { id: string; run?: string | undefined; ticket?: string | undefined } | undefined;
  /** Trace context for the sidecar. */
  readonly headers: Readonly<Record<string, string>>;
}

type Call = Pick<SocketRequest, 'method' | 'path'> & {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

type Correction = 'nonce' | 'clock' | 'issuer' | 'connection';

/** Speaks to one sidecar with one key, for one identity once it is known. Holds no credential. */
export class SidecarClient {
  readonly key: HolderKey;
  readonly socketPath: string;
  readonly #runtime: Runtime;
  readonly #transport: Transport;
  readonly #closed = new AbortController();
  readonly #heads = new LogHeads();
  #identity: string | undefined;
  #issuer: string | undefined;
  #nonce: string | undefined;
  #offsetMs = 0;

  /** @param identity The one that was asked for. Undefined: the only one that the sidecar knows this workload by. */
  constructor(runtime: Runtime, socketPath: string, key: HolderKey, identity: string | undefined) {
    this.#runtime = runtime;
    this.socketPath = socketPath;
    this.#transport = runtime.transport(socketPath);
    this.key = key;
    this.#identity = identity;
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
    return this.#corrected(signal, async (fresh) => (await this.#prove(call, signal, fresh)).chunks());
  }

  /** Ends all that is under way. */
  close(): void {
    this.#closed.abort(new TallystickError('identity_closed', 'the identity was closed'));
    this.#transport.close();
  }

  #ask(call: Call): Promise<string> {
    return withDeadline(this.#runtime.timers, DEADLINE_MS, this.#closed.signal, (signal) =>
      this.#corrected(signal, async (fresh) => textOf(await this.#prove(call, signal, fresh))),
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
  async #prove(call: Call, signal: AbortSignal, fresh: boolean): Promise<SocketAnswer> {
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
    if (answer.status >= 200 && answer.status <= 299) return answer;
    throw new Refused(await errorOf(answer), nonce, answer.header('date'));
  }

  async #readIssuer(signal: AbortSignal, fresh: boolean): Promise<string> {
    const answer = await this.#send({ method: 'GET', path: ROUTES.metadata, headers: {}, signal, fresh });
    if (answer.status !== 200) throw await errorOf(answer);
    const { issuer } = parseServerMetadata(await textOf(answer));
    if (normalizeHtu(issuer) === undefined)
      throw new TallystickError('protocol_error', 'the sidecar names an issuer that is no URL');
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

async function errorOf(answer: SocketAnswer): Promise<TallystickError> {
  return parseError({ status: answer.status, body: await textOf(answer), retryAfter: answer.header('retry-after') });
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
