import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A request that a judge is asked about. */
export interface JudgedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What it answers. */
export interface JudgedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json: unknown;
}

/** A server of a judge, on loopback. */
export interface JudgeServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves what `answer` says to each whole request: as JSON, over http, or over https where there is a certificate. */
export async function startJudgeServer(
  answer: (request: JudgedRequest) => Promise<JudgedAnswer> | JudgedAnswer,
  tls?: { readonly cert: string; readonly key: string },
): Promise<JudgeServer> {
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = Buffer.concat((await incoming.toArray()) as Buffer[]).toString('utf8');
    const { pathname, searchParams } = new URL(incoming.url!, 'http://judge.invalid');
    const { method = '', headers } = incoming;
    const answered = await answer({ method, path: decodeURIComponent(pathname), query: searchParams, headers, body });
    outgoing.writeHead(answered.status, { 'content-type': 'application/json; charset=utf-8', ...answered.headers });
    outgoing.end(JSON.stringify(answered.json));
  };
  // One that gave up sends no more, and hears nothing of it.
  const listener: RequestListener = (incoming, outgoing) =>
    void serve(incoming, outgoing).catch(() => outgoing.destroy());
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Returns the parameters of a form (RFC 6749 §B) where each is given once, or undefined. */
export function formOf({ headers, body }: JudgedRequest): ReadonlyMap<string, string> | undefined {
  if (headers['content-type']?.split(';')[0]!.trim().toLowerCase() !== 'application/x-www-form-urlencoded')
    return undefined;
  const entries = [...new URLSearchParams(body)];
  const form = new Map(entries);
  const isForm = /^[\w.*+%&=~!'()-]*$/.test(body) && form.size === entries.length;
  return isForm ? form : undefined;
}

/** Returns the token of `Authorization: Bearer`, or undefined. */
export function bearerOf({ headers }: JudgedRequest): string | undefined {
  return /^Bearer ([\w.~+/-]+=*)$/.exec(headers.authorization ?? '')?.[1];
}
