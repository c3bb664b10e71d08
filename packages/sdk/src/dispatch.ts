import type { AuthenticationHeaders } from './authentication.ts';

/** What the interceptor needs to know of undici's dispatch contract. The same in undici 7 and 8. */
export type Dispatch = (options: DispatchOptions, handler: DispatchHandler) => boolean;

/** A request, as undici dispatches it. */
export interface DispatchOptions {
  readonly origin?: string | URL;
  readonly path: string;
  readonly method: string;
  readonly headers?: RequestHeaders;
  readonly body?: unknown;
}

/** Names and values in turn, pairs, or an object. */
export type RequestHeaders =
  | readonly unknown[]
  | Iterable<readonly [string, string | readonly string[] | undefined]>
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | null;

/** The headers of an answer: names in lower case. */
export type DispatchHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Controls the connection of one attempt. */
export interface DispatchController {
  readonly aborted: boolean;
  abort(reason: Error): void;
}

/** Receives what happens to a request. */
export interface DispatchHandler {
  onRequestStart?(controller: DispatchController, context: unknown): void;
  onRequestUpgrade?(controller: DispatchController, status: number, headers: DispatchHeaders, socket: unknown): void;
  onResponseStart?(controller: DispatchController, status: number, headers: DispatchHeaders, message?: string): void;
  onResponseData?(controller: DispatchController, chunk: Buffer): void;
  onResponseEnd?(controller: DispatchController, trailers: DispatchHeaders): void;
  onResponseError?(controller: DispatchController | null, error: Error): void;
  onResponseStarted?(): void;
  /** Given the chunk by undici 8, its size and the total by undici 7. */
  onBodySent?(...progress: readonly unknown[]): void;
  onRequestSent?(): void;
}

/**
 * Returns the URL of a request, or undefined where it has none: a tunnel, a client that alone knows its origin, or a
 * URL as the path that is sent to another origin, which is then a proxy (RFC 9112 §3.2.2) and would read the token.
 */
export function urlOf({ origin, path, method }: DispatchOptions): URL | undefined {
  if (method === 'CONNECT' || typeof path !== 'string') return undefined;
  if (origin === undefined || !URL.canParse(String(origin))) return undefined;
  const sentTo = new URL(origin).origin;
  // Not resolved against the origin: `//host/` would then name another one.
  if (path.startsWith('/')) return new URL(sentTo + path);
  const url = URL.canParse(path) ? new URL(path) : undefined;
  return url?.origin === sentTo ? url : undefined;
}

/**
 * Returns the headers of a request with these in the place of those that it may have of the same names: names and values
 * in turn, the one form of a list that undici takes.
 */
export function credentialHeaders(
  headers: RequestHeaders | undefined,
  { authorization, dpop }: AuthenticationHeaders,
): readonly unknown[] {
  const kept = pairsOf(headers ?? {}).filter(([name]) => !OURS.has(name.toLowerCase()));
  return [
    ...kept.flatMap(([name, value]) => [name, value]),
    'authorization',
    authorization,
    ...(dpop === undefined ? [] : ['dpop', dpop]),
  ];
}

// A proof of the caller's own would make a Bearer token one that is shown wrongly.
const OURS: ReadonlySet<string> = new Set(['authorization', 'dpop']);

type Pair = readonly [string, string | readonly string[] | undefined];

function pairsOf(headers: NonNullable<RequestHeaders>): readonly Pair[] {
  if (!(Symbol.iterator in headers)) return Object.entries(headers);
  const items: readonly (string | Pair)[] = [...(headers as Iterable<string | Pair>)];
  if (typeof items[0] !== 'string') return items as readonly Pair[];
  const flat = items as readonly string[];
  return flat.flatMap((name, i): Pair[] => (i % 2 === 0 ? [[name, flat[i + 1]]] : []));
}

/** Returns one header of an answer as one text, the way `Headers` would give it. */
export function headerOf(headers: DispatchHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** True where a body can be sent twice: none, text, bytes, or a form. */
export function isReplayableBody(body: unknown): boolean {
  return (
    body === undefined ||
    body === null ||
    typeof body === 'string' ||
    body instanceof Uint8Array ||
    body instanceof FormData
  );
}
