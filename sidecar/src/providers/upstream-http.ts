import { TallystickError, withoutBytes } from '@tallystick/core';
import { suppressTracing } from '@tallystick/telemetry';
import type { Agent, Dispatcher } from 'undici';
import { boundedLookup } from './bounded-lookup.ts';
import { NotSent } from './not-sent.ts';

/** One request to an upstream. */
export interface UpstreamRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'LIST';
  /** Absolute. Redirects are not followed: a credential goes where the configuration says, and nowhere else. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal: AbortSignal;
}

/** What an upstream answered, whatever its status. */
export interface UpstreamAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
}

/** Speaks HTTP with one upstream, over connections of its own. */
export interface UpstreamHttp {
  /**
   * @throws {TallystickError} `upstream_unavailable`: no whole answer came; `upstream_answer_invalid`: it is too long;
   * the reason of `signal`.
   */
  send(request: UpstreamRequest): Promise<UpstreamAnswer>;
  close(): Promise<void>;
}

/** The inputs of {@link openUpstreamHttp}. */
export interface UpstreamHttpOptions {
  /** Name of the provider, for messages. */
  readonly name: string;
  /** PEM of the authorities that its certificate is verified by; undefined: those that Node has. */
  readonly ca?: string | undefined;
  /** PEM of the sidecar's own certificate, and of its key. */
  readonly client?: { readonly certificate: string; readonly key: string } | undefined;
  /** Path of a Unix socket; undefined: TCP. */
  readonly socketPath?: string | undefined;
  readonly connections?: number;
}

/** The longest answer that is read, in bytes. */
export const MAX_ANSWER_BYTES = 1_048_576;
const CONNECT_MS = 5000;
const ANSWER_MS = 30_000;

/** Returns what speaks HTTP with one upstream. Loads undici. */
export async function openUpstreamHttp(options: UpstreamHttpOptions): Promise<UpstreamHttp> {
  // By its default export: that is what is left of a CommonJS module in the bundle.
  const { default: undici } = await import('undici');
  const { name, ca, client, socketPath, connections = 16 } = options;
  const agent: Agent = new undici.Agent({
    connections,
    pipelining: 1,
    maxResponseSize: MAX_ANSWER_BYTES,
    headersTimeout: ANSWER_MS,
    bodyTimeout: ANSWER_MS,
    connect: {
      timeout: CONNECT_MS,
      lookup: boundedLookup,
      ...(ca !== undefined && { ca }),
      ...(client && { cert: client.certificate, key: client.key }),
      ...(socketPath !== undefined && { socketPath }),
    },
  });
  return {
    send: ({ method, url, headers, body, signal }) =>
      suppressTracing(async () => {
        try {
          const { origin, pathname, search } = new URL(url);
          const answer = await agent.request({
            origin,
            path: pathname + search,
            method: method as Dispatcher.HttpMethod,
            headers: { ...headers },
            body: body ?? null,
            signal,
          });
          return { status: answer.statusCode, headers: flat(answer.headers), text: await answer.body.text() };
        } catch (error) {
          throw signal.aborted ? signal.reason : unavailable(name, error);
        }
      }),
    close: () => agent.destroy(),
  };
}

function flat(headers: Record<string, string | string[] | undefined>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  );
}

function unavailable(name: string, error: unknown): TallystickError {
  const { code, syscall } = error as { code?: string; syscall?: string };
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') {
    return new TallystickError('upstream_answer_invalid', `"${name}" answers with more than ${MAX_ANSWER_BYTES} bytes`);
  }
  // The way to a host can be lost under a request, too.
  const wasConnected = syscall === 'read' || syscall === 'write';
  const Kind = code !== undefined && NOT_CONNECTED.has(code) && !wasConnected ? NotSent : TallystickError;
  return new Kind('upstream_unavailable', `"${name}" does not answer (${code ?? 'no reason known'})`, {
    cause: withoutBytes(error),
  });
}

/** What ends a connection before anything is sent on it. */
const NOT_CONNECTED: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'EACCES',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * Returns the error that an answer stands for which is no success, as far as its status tells. Nothing of its body is
 * in it.
 */
export function refusalOf(name: string, what: string, answer: UpstreamAnswer, nowMs: number): TallystickError {
  const { status } = answer;
  const retryAfterMs = retryAfterMsOf(answer, nowMs);
  const options = retryAfterMs === undefined ? {} : { retryAfterMs };
  const said = `"${name}" answered ${status} to ${what}`;
  if (status === 429) return new TallystickError('upstream_rate_limited', said, options);
  // A proxy or a node that does not serve says more than 500: this is one thing that it failed at, and others may work.
  if (status === 500) return new TallystickError('upstream_failed', said, options);
  if (status > 500) return new TallystickError('upstream_unavailable', said, options);
  if (status === 401 || status === 403) return new TallystickError('upstream_denied', said);
  if (status === 404) return new TallystickError('upstream_not_found', said);
  return new TallystickError('upstream_answer_invalid', said);
}

/** The longest wait that an upstream may ask for. */
const MAX_RETRY_AFTER_MS = 300_000;

/** Returns the wait that `Retry-After` asks for (RFC 9110 §10.2.3), in milliseconds, at most five minutes. */
export function retryAfterMsOf({ headers }: UpstreamAnswer, nowMs: number): number | undefined {
  const text = headers['retry-after'];
  if (text === undefined) return undefined;
  const waitMs = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return waitMs > 0 ? Math.min(waitMs, MAX_RETRY_AFTER_MS) : undefined;
}

/**
 * Returns the members of an answer that is JSON.
 *
 * @throws {TallystickError} `upstream_answer_invalid`
 */
export function jsonOf(name: string, what: string, { text }: UpstreamAnswer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below, without what stands in it.
  }
  throw new TallystickError('upstream_answer_invalid', `"${name}" answered ${what} with something other than JSON`);
}
