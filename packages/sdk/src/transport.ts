import { Agent, request as startRequest, type IncomingMessage } from 'node:http';
import { withoutBytes } from '@tallystick/core';

/** One request to the sidecar. */
export interface SocketRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Ends request and answer. */
  readonly signal: AbortSignal;
  /** True to open a connection for this request alone, instead of one that may have died while it was idle. */
  readonly fresh?: boolean;
}

/** The head of an answer, and its body once. */
export interface SocketAnswer {
  readonly status: number;
  /** A header that came twice is one text, joined by `, `. */
  header(name: string): string | undefined;
  /** Returns the whole body. Rejects when it is longer than 4 MiB. */
  text(): Promise<string>;
  /** Yields the body as it comes. */
  chunks(): AsyncIterable<string>;
}

/** The way to one sidecar. Keeps no program alive: its sockets are unreferenced. */
export interface Transport {
  /**
   * Sends a request. Resolves with the head of the answer, rejects with the error of the connection.
   */
  send(request: SocketRequest): Promise<SocketAnswer>;
  /** Ends the idle connections. */
  close(): void;
}

const MAX_BODY_LENGTH = 4 * 1024 * 1024;

/** Returns the transport over the Unix socket at `socketPath`: HTTP/1.1, with connections kept alive. */
export function socketTransport(socketPath: string): Transport {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 4 });
  return {
    send: ({ method, path, headers, body, signal, fresh }) =>
      new Promise((resolve, reject) => {
        const request = startRequest({
          socketPath,
          path,
          method,
          signal,
          agent: fresh ? false : agent,
          headers: {
            host: 'localhost',
            ...headers,
            ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
          },
        });
        request.on('socket', (socket) => socket.unref());
        request.on('error', (error) => reject(withoutBytes(error) as Error));
        request.on('response', (message) => resolve(answerOf(message)));
        request.end(body);
      }),
    close: () => agent.destroy(),
  };
}

function answerOf(message: IncomingMessage): SocketAnswer {
  message.setEncoding('utf8');
  return {
    status: message.statusCode!,
    header: (name) => message.headers[name]?.toString(),
    async text() {
      let text = '';
      for await (const chunk of message as AsyncIterable<string>) {
        text += chunk;
        if (text.length > MAX_BODY_LENGTH) throw new RangeError('the answer is longer than 4 MiB');
      }
      return text;
    },
    chunks: () => message as AsyncIterable<string>,
  };
}
