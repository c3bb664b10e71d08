import { BODY_HEADERS, CREDENTIAL_HEADERS, type Redirect, type RedirectMode } from './redirect.ts';

type FetchInput = Parameters<typeof globalThis.fetch>[0];

/** What authenticates one attempt. */
export interface Authentication {
  readonly authorization: string;
  readonly dpop: string;
}

/** A request that may be sent more than once: after a nonce, with another token, or to where it is redirected. */
export interface Outgoing {
  readonly url: URL;
  /** As it will be sent: the standard methods in upper case. */
  readonly method: string;
  readonly redirect: RedirectMode;
  readonly signal: AbortSignal | null | undefined;
  /** False where the body is a stream that can be read once. */
  readonly replayable: boolean;
  /** Returns the arguments of `fetch` for one attempt, which follows no redirect by itself. */
  attempt(authentication: Authentication | undefined): [FetchInput, RequestInit];
  /** Returns the request that a redirect asks for. */
  follow(redirect: Extract<Redirect, { kind: 'follow' }>): Promise<Outgoing>;
  /** Frees what was kept for another attempt. */
  done(): void;
}

/**
 * Returns the request of `fetch(input, init)`.
 *
 * @throws {TypeError} As `fetch` does: the URL is not absolute, or a `Request` was used already.
 */
export function outgoingOf(input: FetchInput, init: RequestInit | undefined): Outgoing {
  if (isRequest(input)) {
    // The class of the input, which may be another than the global one.
    const RequestClass = input.constructor as typeof Request;
    return new RequestOutgoing(init ? new RequestClass(input, init) : input, init);
  }
  // Copies, as fetch makes them: what the caller changes while a token is on its way was not judged.
  return new PlainOutgoing(new URL(input), init === undefined ? {} : copyOf(dictionaryOf(init)));
}

function isRequest(input: FetchInput): input is Request {
  return (
    typeof input === 'object' &&
    typeof (input as Request).url === 'string' &&
    typeof (input as Request).clone === 'function'
  );
}

/** A URL and a dictionary: the common case. */
class PlainOutgoing implements Outgoing {
  readonly url: URL;
  readonly method: string;
  readonly #init: RequestInit;

  constructor(url: URL, init: RequestInit) {
    this.url = url;
    this.#init = init;
    this.method = init.method === undefined ? 'GET' : normalizeMethod(init.method);
  }

  get redirect(): RedirectMode {
    return this.#init.redirect ?? 'follow';
  }

  get signal(): AbortSignal | null | undefined {
    return this.#init.signal;
  }

  get replayable(): boolean {
    return isReplayable(this.#init.body);
  }

  attempt(authentication: Authentication | undefined): [string, RequestInit] {
    return [
      this.url.href,
      { ...this.#init, headers: withAuthentication(this.#init.headers, authentication), redirect: 'manual' },
    ];
  }

  async follow(redirect: Extract<Redirect, { kind: 'follow' }>): Promise<Outgoing> {
    const { body, ...init } = this.#init;
    return new PlainOutgoing(redirect.url, {
      ...init,
      method: redirect.method,
      headers: headersAfter(redirect, this.#init.headers),
      ...(!redirect.dropBody && body !== undefined && { body }),
    });
  }

  done(): void {}
}

/** A `Request`. Each attempt sends a clone of it, so its body stays in memory until the answer is here. */
class RequestOutgoing implements Outgoing {
  readonly url: URL;
  readonly replayable = true;
  readonly #request: Request;
  readonly #init: RequestInit | undefined;

  constructor(request: Request, init: RequestInit | undefined) {
    if (request.bodyUsed) throw new TypeError('the body of the Request has already been read');
    this.#request = request;
    this.#init = init;
    this.url = new URL(request.url);
  }

  get method(): string {
    return this.#request.method;
  }

  get redirect(): RedirectMode {
    return this.#request.redirect;
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }

  attempt(authentication: Authentication | undefined): [Request, RequestInit] {
    const request = this.#request.body === null ? this.#request : this.#request.clone();
    return [request, { headers: withAuthentication(request.headers, authentication), redirect: 'manual' }];
  }

  async follow(redirect: Extract<Redirect, { kind: 'follow' }>): Promise<Outgoing> {
    const { headers, signal, cache, credentials, integrity, keepalive, mode, referrer, referrerPolicy } = this.#request;
    const keepsBody = !redirect.dropBody && this.#request.body !== null;
    const body = keepsBody ? await this.#request.arrayBuffer() : undefined;
    return new PlainOutgoing(redirect.url, {
      ...(this.#init && dictionaryOf(this.#init)),
      signal,
      cache,
      credentials,
      integrity,
      keepalive,
      mode,
      referrer,
      referrerPolicy,
      method: redirect.method,
      headers: headersAfter(redirect, headers),
      redirect: this.redirect,
      body: body ?? null,
    });
  }

  done(): void {
    // Its clones have been sent; reading or cancelling the original is what frees the memory.
    if (this.#request.body && !this.#request.bodyUsed) void this.#request.body.cancel().catch(() => {});
  }
}

/** Returns the members of an init, also where they are inherited: any object may be one, a `Request` too. */
function dictionaryOf(init: RequestInit): RequestInit {
  if (isPlainObject(init)) return init;
  const entries = MEMBERS.map((name) => [name, (init as Record<string, unknown>)[name]] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as RequestInit;
}

function copyOf(init: RequestInit): RequestInit {
  const { headers } = init;
  if (headers === undefined) return { ...init };
  return {
    ...init,
    headers: isPlainObject(headers) ? { ...(headers as Record<string, string>) } : new Headers(headers),
  };
}

const MEMBERS = [
  'body',
  'cache',
  'credentials',
  'dispatcher',
  'duplex',
  'headers',
  'integrity',
  'keepalive',
  'method',
  'mode',
  'priority',
  'redirect',
  'referrer',
  'referrerPolicy',
  'signal',
];

const STANDARD_METHOD = /^(?:delete|get|head|options|post|put)$/i;

// fetch §"normalize": PATCH is not among them, and is sent as it was given.
function normalizeMethod(method: string): string {
  return STANDARD_METHOD.test(method) ? method.toUpperCase() : method;
}

function isReplayable(body: RequestInit['body']): boolean {
  if (typeof body !== 'object' || body === null) return true;
  // A ReadableStream and Node's streams are iterated asynchronously; buffers, blobs and forms are not.
  return !(Symbol.asyncIterator in body);
}

function withAuthentication(
  headers: RequestInit['headers'],
  authentication: Authentication | undefined,
): NonNullable<RequestInit['headers']> {
  if (!authentication) return headers ?? {};
  const { authorization, dpop } = authentication;
  if (headers === undefined) return { authorization, dpop };
  if (isPlainObject(headers)) {
    // As a Headers object would give it, at a tenth of its cost.
    const result: Record<string, string> = { ...(headers as Record<string, string>) };
    for (const name of Object.keys(result)) if (OURS.test(name)) delete result[name];
    result.authorization = authorization;
    result.dpop = dpop;
    return result;
  }
  const result = new Headers(headers);
  result.set('authorization', authorization);
  result.set('dpop', dpop);
  return result;
}

const OURS = /^(?:authorization|dpop)$/i;

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function headersAfter(redirect: Extract<Redirect, { kind: 'follow' }>, headers: RequestInit['headers']): Headers {
  const result = new Headers(headers);
  if (redirect.dropBody) for (const name of BODY_HEADERS) result.delete(name);
  if (redirect.crossOrigin) for (const name of CREDENTIAL_HEADERS) result.delete(name);
  return result;
}
