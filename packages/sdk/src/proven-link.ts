import { printable, TallystickError } from '@tallystick/core';
import { bodyHash, createProof, normalizeHtu, type HolderKey } from '@tallystick/dpop';
import { HEADERS, htuOfRoute, parseServerMetadata, ROUTES } from '@tallystick/protocol';
import { correctedOffsetMs } from './clock-skew.ts';
import { DEADLINE_MS, withDeadline } from './deadline.ts';
import { nonceOf } from './nonce-text.ts';
import { suppressTracing } from './observe.ts';
import { errorOf, Refused, refusalOf } from './refused.ts';
import type { Runtime } from './runtime.ts';
import type { SocketAnswer, SocketRequest, Transport } from './transport.ts';

/** A request, before its proof is made. */
export type Call = Pick<SocketRequest, 'method' | 'path'> & {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Milliseconds until an exchange is given up; default {@link DEADLINE_MS}. */
  readonly deadlineMs?: number;
};

/** An answer that is a success, and the proof of its request. */
interface Proven {
  readonly answer: SocketAnswer;
  readonly proof: string;
}

type Correction = 'nonce' | 'clock' | 'issuer' | 'connection';

/** What a {@link ProvenLink} is made of. */
export interface ProvenLinkOptions {
  readonly runtime: Runtime;
  readonly socketPath: string;
  readonly key: HolderKey;
  /** The issuer that the sidecar must say it is; undefined: any. */
  readonly trustedIssuer: string | undefined;
}

/** The way to one sidecar with one key: proves each request, and makes it again where what the answer says helps. */
export class ProvenLink {
  /** Which identity requests are made as; undefined while that is not known. */
  identity: string | undefined;
  readonly #runtime: Runtime;
  readonly #socketPath: string;
  readonly #key: HolderKey;
  readonly #trustedIssuer: string | undefined;
  readonly #transport: Transport;
  readonly #closed = new AbortController();
  #issuer: string | undefined;
  #nonce: string | undefined;
  #offsetMs = 0;

  constructor({ runtime, socketPath, key, trustedIssuer }: ProvenLinkOptions) {
    this.#runtime = runtime;
    this.#socketPath = socketPath;
    this.#transport = runtime.transport(socketPath);
    this.#key = key;
    this.#trustedIssuer = trustedIssuer;
  }

  /** The issuer of the sidecar, once a request has succeeded. */
  get issuer(): string {
    if (this.#issuer === undefined) throw new TypeError('the sidecar has named no issuer yet');
    return this.#issuer;
  }

  /** Resolves with the body of a successful answer, and the proof of the attempt that had it. */
  exchange(call: Call): Promise<{ text: string; proof: string }> {
    return withDeadline(this.#runtime.timers, call.deadlineMs ?? DEADLINE_MS, this.#closed.signal, (signal) =>
      this.#corrected(signal, async (fresh) => {
        const { answer, proof } = await this.#prove(call, signal, fresh);
        return { text: await textOf(answer), proof };
      }),
    );
  }

  /** Resolves with a successful answer, whose body has not been read. It may take until `signal` aborts. */
  open(call: Call, signal: AbortSignal): Promise<SocketAnswer> {
    return this.#corrected(signal, async (fresh) => (await this.#prove(call, signal, fresh)).answer);
  }

  /** Ends all that is under way. */
  close(): void {
    this.#closed.abort(new TallystickError('identity_closed', 'the identity was closed'));
    this.#transport.close();
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
    const proof = createProof(this.#key, {
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
      ...(this.identity !== undefined && isOurs(call.path) && { [HEADERS.identity]: this.identity }),
    };
    const { method, path, body } = call;
    const answer = await this.#send({ method, path, headers, signal, fresh, ...(body !== undefined && { body }) });
    if (answer.status >= 200 && answer.status <= 299) return { answer, proof };
    throw refusalOf(answer, await textOf(answer), nonce);
  }

  async #readIssuer(signal: AbortSignal, fresh: boolean): Promise<string> {
    const answer = await this.#send({ method: 'GET', path: ROUTES.metadata, headers: {}, signal, fresh });
    const body = await textOf(answer);
    if (answer.status !== 200) throw errorOf(answer, body);
    const { issuer } = parseServerMetadata(body);
    if (normalizeHtu(issuer) === undefined)
      throw new TallystickError('protocol_error', 'the sidecar names an issuer that is no URL');
    if (this.#trustedIssuer !== undefined && issuer !== this.#trustedIssuer) {
      throw new TallystickError(
        'reply_untrusted',
        `the sidecar says that it is ${printable(issuer, 200)}, and the trust file that it is ${this.#trustedIssuer}`,
      );
    }
    return issuer;
  }

  async #send(request: SocketRequest): Promise<SocketAnswer> {
    this.#runtime.trustSocket(this.#socketPath);
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

/** True for a route that OAuth does not know. */
function isOurs(path: string): boolean {
  return path.startsWith('/v1/');
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
