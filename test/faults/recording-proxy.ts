import { once } from 'node:events';
import { createServer, request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an upstream answers. */
export interface ProxiedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A request of the sidecar, and what came of it. */
export interface Exchange {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** As the upstream gave it, whatever has become of it on its way back. */
  readonly answer: ProxiedAnswer;
}

/** Stands on loopback between a sidecar and an upstream, and notes all that passes. */
export interface RecordingProxy extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly exchanges: readonly Exchange[];
  /** Sends what comes from now on to the server at `http://HOST:PORT`, with `Host` as it came. */
  to(url: string): void;
  /** What becomes of an answer on its way back. By default nothing. */
  change: (answer: ProxiedAnswer) => ProxiedAnswer;
}

export async function startRecordingProxy(): Promise<RecordingProxy> {
  const exchanges: Exchange[] = [];
  let target: URL | undefined;
  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method = 'GET', url: path = '/', headers } = incoming;
    const body = Buffer.concat((await incoming.toArray()) as Buffer[]).toString();
    const { hostname, port } = target!;
    const sent = request({ hostname, port, method, path, headers, agent: false }).end(body);
    // What breaks later is heard from its answer.
    sent.on('error', () => {});
    const [given] = (await once(sent, 'response')) as [IncomingMessage];
    const text = Buffer.concat((await given.toArray()) as Buffer[]).toString();
    const { 'transfer-encoding': _, 'content-length': __, ...rest } = given.headers;
    const answer = { status: given.statusCode!, headers: rest, body: text };
    exchanges.push({ method, path, headers, body, answer });
    const changed = proxy.change(answer);
    outgoing.writeHead(changed.status, changed.headers).end(changed.body);
  };
  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const proxy: RecordingProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    exchanges,
    to: (url) => void (target = new URL(url)),
    change: (answer) => answer,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
