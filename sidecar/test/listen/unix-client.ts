import { request, type Agent, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** An answer, read to its end. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  /** The body, where it is JSON. */
  json: Record<string, unknown>;
}

/** What to send. */
export interface Ask {
  method?: string;
  target?: string;
  headers?: Record<string, string | string[]>;
  body?: string | Uint8Array;
  agent?: Agent;
}

/** Sends one request over a Unix socket, as a stock client does. */
export function ask(
  socketPath: string,
  { method = 'GET', target = '/jwks', headers = {}, body, agent }: Ask = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path: target, headers, ...(agent && { agent }) }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = response.headers['content-type'] === 'application/json' && text !== '';
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          body: text,
          json: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
        });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** A connection on which the test writes what no client would. */
export interface RawConnection {
  readonly socket: Socket;
  /** All that has come, once it holds `text`. */
  until(text: string): Promise<string>;
  /** All that has come, once the other side has closed. */
  closed: Promise<string>;
}

export function dial(path: string, send: string | Uint8Array = ''): RawConnection {
  const socket = connect({ path, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  let received = '';
  const waiting = new Set<() => void>();
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
    for (const check of waiting) check();
  });
  socket.on('error', () => {});
  if (send !== '') socket.write(send);
  return {
    socket,
    until: (text) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!received.includes(text)) return;
          waiting.delete(check);
          resolve(received);
        };
        waiting.add(check);
        check();
      }),
    closed: new Promise((resolve) => {
      const end = (): void => resolve(received);
      socket.once('end', end);
      socket.once('close', end);
    }),
  };
}

/** Returns the status and the JSON body of a raw answer. */
export function readRaw(answer: string): { status: number; head: string; json: Record<string, unknown> } {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), head, json: JSON.parse(body || '{}') as Record<string, unknown> };
}
