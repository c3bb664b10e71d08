import { readFile } from 'node:fs/promises';
import {
  Agent,
  request as requestHttp,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { request as requestHttps } from 'node:https';
import { withoutBytes } from '@tallystick/core';
import type { Location } from './location.ts';
import { trustSocket } from './trust-socket.ts';

/** What is asked of a {@link Location}. */
export interface ExchangeRequest {
  readonly accept: string;
  /** The longest body that is read, in bytes. */
  readonly maxBytes: number;
  /** Milliseconds for the whole exchange. */
  readonly timeoutMs: number;
  /** True: what is under way does not keep the process alive. */
  readonly background?: boolean;
  readonly ifNoneMatch?: string | undefined;
  readonly authorization?: string | undefined;
  /** Present: a POST of this form. */
  readonly form?: URLSearchParams;
}

/** What came back. */
export interface ExchangeAnswer {
  readonly status: number;
  readonly body: string;
  readonly etag: string | undefined;
}

/**
 * Reads one document, or sends one form. Redirects are not followed: another place than the configured one is not
 * trusted; nor is a Unix socket that somebody else could have put there.
 *
 * @throws When there is no whole answer in time.
 */
export async function exchange(location: Location, request: ExchangeRequest): Promise<ExchangeAnswer> {
  if (location.kind === 'file') return readDocument(location.path, request);
  if (location.kind === 'unix') trustSocket(location.socketPath);
  const answer = await send(location, request);
  const body = await readBody(answer, request.maxBytes);
  return { status: answer.statusCode ?? 0, body, etag: answer.headers.etag };
}

async function readDocument(path: string, { maxBytes, timeoutMs }: ExchangeRequest): Promise<ExchangeAnswer> {
  const bytes = await readFile(path, { signal: AbortSignal.timeout(timeoutMs) });
  if (bytes.length > maxBytes) throw new Error(`the file is longer than ${maxBytes} bytes`);
  return { status: 200, body: bytes.toString('utf8'), etag: undefined };
}

function send(location: Exclude<Location, { kind: 'file' }>, request: ExchangeRequest): Promise<IncomingMessage> {
  const body = request.form?.toString();
  const options: RequestOptions = {
    method: body === undefined ? 'GET' : 'POST',
    signal: AbortSignal.timeout(request.timeoutMs),
    headers: {
      accept: request.accept,
      ...(request.ifNoneMatch !== undefined && { 'if-none-match': request.ifNoneMatch }),
      ...(request.authorization !== undefined && { authorization: request.authorization }),
      ...(body !== undefined && {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': Buffer.byteLength(body),
      }),
    },
  };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing: ClientRequest = open(location, options);
  if (request.background) outgoing.on('socket', (socket) => socket.unref());
  outgoing
    .on('response', resolve)
    .on('error', (error) => reject(withoutBytes(error)))
    .end(body);
  return promise;
}

function open(location: Exclude<Location, { kind: 'file' }>, options: RequestOptions): ClientRequest {
  if (location.kind === 'unix') {
    const { socketPath, route: path } = location;
    return requestHttp({ ...options, socketPath, path, host: 'localhost' });
  }
  if (location.url.protocol === 'https:') return requestHttps(location.url, options);
  return requestHttp(location.url, { ...options, agent: loopback });
}

// Plain http is for loopback addresses alone, since nothing leaves the machine. The global agent would hand it to a proxy
// that `NODE_USE_ENV_PROXY` names, which could then answer with keys of its own.
const loopback = new Agent({ keepAlive: true });

/**
 * Returns the value that a body holds.
 *
 * @throws It is not JSON. The body is not quoted, as `JSON.parse` would.
 */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new Error('the answer is not JSON');
  }
}

async function readBody(answer: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) {
      answer.destroy();
      throw new Error(`the answer is longer than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
