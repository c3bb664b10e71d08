import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** One request, as it came. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An OTLP/HTTP collector that answers as the test says. */
export interface Collector {
  readonly endpoint: string;
  readonly received: readonly Received[];
  /** How the requests from now on are answered; `hang`: they are not. */
  answer(how: number | 'hang', headers?: Record<string, string>): void;
  /** Resolves when so many requests have come. */
  got(count: number): Promise<void>;
  /** Answers those that hang. */
  letGo(status: number): void;
}

export async function startCollector(): Promise<Collector> {
  const received: Received[] = [];
  let status: number | 'hang' = 200;
  let headers: Record<string, string> = {};
  let hanging: ServerResponse[] = [];
  let waiting: { count: number; resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ path: request.url!, headers: request.headers, body: Buffer.concat(chunks) });
      if (status === 'hang') hanging.push(response);
      else response.writeHead(status, headers).end('{}');
      for (const { count, resolve } of waiting) if (received.length >= count) resolve();
      waiting = waiting.filter(({ count }) => received.length < count);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer(how, withHeaders = {}) {
      status = how;
      headers = withHeaders;
    },
    got: (count) =>
      received.length >= count ? Promise.resolve() : new Promise((resolve) => waiting.push({ count, resolve })),
    letGo(with_) {
      for (const response of hanging) response.writeHead(with_).end('{}');
      hanging = [];
    },
  };
}
