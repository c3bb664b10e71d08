import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A server of an issuer's documents, over TCP or a Unix socket. */
export interface DocumentServer extends AsyncDisposable {
  /** `http://127.0.0.1:port` or `unix:/path`. */
  readonly url: string;
  /** Method, path and headers of each request so far. */
  readonly requests: readonly Pick<IncomingMessage, 'method' | 'url' | 'headers'>[];
  /** Answers from now on. */
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  /** Ends it, with its connections. */
  close(): Promise<void>;
}

export type Answer = DocumentServer['answer'];

/** Answers with `body`. */
export function answerWith(body: string | object, status = 200, headers: Record<string, string> = {}): Answer {
  return (request, response) => {
    request.resume();
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

/** Takes the request and never answers. */
export const silence: Answer = (request) => {
  request.resume();
};

export async function serveDocuments(answer: Answer, over: 'tcp' | 'unix' = 'tcp'): Promise<DocumentServer> {
  const requests: DocumentServer['requests'][number][] = [];
  const folder = over === 'unix' ? await mkdtemp(join(tmpdir(), 'rs-')) : undefined;
  const server = createServer((request, response) => {
    requests.push({ method: request.method, url: request.url, headers: request.headers });
    served.answer(request, response);
  });
  server.listen(folder === undefined ? { host: '127.0.0.1', port: 0 } : { path: join(folder, 'api.sock') });
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    if (folder !== undefined) await rm(folder, { recursive: true });
  };
  const served: DocumentServer = {
    url:
      folder === undefined ? `http://127.0.0.1:${(server.address() as AddressInfo).port}` : `unix:${folder}/api.sock`,
    requests,
    answer,
    close,
    [Symbol.asyncDispose]: close,
  };
  return served;
}
