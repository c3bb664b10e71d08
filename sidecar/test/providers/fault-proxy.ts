import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type RequestOptions, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** What befalls a request on its way to the upstream. */
export type Weather =
  | { readonly kind: 'fair' }
  /** The connection is cut, and nothing answers. */
  | { readonly kind: 'away' }
  /** It is taken, and never answered. */
  | { readonly kind: 'silent' }
  /** The upstream answers, and half of it arrives before the connection is cut. */
  | { readonly kind: 'half' }
  /** It is answered in the place of the upstream. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body: string;
    };

/** A request as it came to the proxy. */
export interface ProxiedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Stands on loopback between a provider and a real server, and makes the weather there. */
export interface FaultProxy {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Those that came since the weather was last set, in their order. */
  readonly requests: readonly ProxiedRequest[];
  /** Lets so many requests pass, and gives all later ones this weather. */
  set(weather: Weather, after?: number): void;
  /** Resolves when the weather has hit a request. */
  hit(): Promise<void>;
  /** How many connections to it are open. */
  connections(): number;
  stop(): Promise<void>;
}

/** Starts a proxy in front of the server at `http://HOST:PORT`. It passes `Host` on as it came, so that signatures hold. */
export async function startFaultProxy(upstreamUrl: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(upstreamUrl);
  let weather: Weather = { kind: 'fair' };
  let left = 0;
  let requests: ProxiedRequest[] = [];
  let met = Promise.withResolvers<void>();

  const server = createServer((incoming, outgoing) => void take(incoming, outgoing));
  const take = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    // One that gave up sends no more.
    const chunks = (await incoming.toArray().catch(() => undefined)) as Buffer[] | undefined;
    if (!chunks) return;
    const { method = 'GET', url: path = '/', headers } = incoming;
    const body = Buffer.concat(chunks).toString();
    requests.push({ method, path, headers, body });
    const now = left-- > 0 ? ({ kind: 'fair' } as const) : weather;
    if (now.kind !== 'fair') met.resolve();
    switch (now.kind) {
      case 'silent':
        return;
      case 'away':
        incoming.socket.destroy();
        return;
      case 'answer':
        outgoing.writeHead(now.status, now.headers).end(now.body);
        return;
      case 'fair':
      case 'half':
        pass({ hostname, port, method, path, headers }, body, outgoing, now.kind === 'half');
    }
  };
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requests() {
      return requests;
    },
    set(next, after = 0) {
      weather = next;
      left = after;
      requests = [];
      met = Promise.withResolvers();
    },
    hit: () => met.promise,
    connections: () => sockets.size,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function pass(to: RequestOptions, body: string, outgoing: ServerResponse, cut: boolean): void {
  const sent = request({ ...to, agent: false }, (answer) => {
    answer.toArray().then(
      (chunks) => passBack(answer, Buffer.concat(chunks as Buffer[]), outgoing, cut),
      () => outgoing.destroy(),
    );
  });
  sent.on('error', () => outgoing.destroy());
  sent.end(body);
}

function passBack(answer: IncomingMessage, whole: Buffer, outgoing: ServerResponse, cut: boolean): void {
  const { 'transfer-encoding': _, ...headers } = answer.headers;
  outgoing.writeHead(answer.statusCode ?? 502, { ...headers, 'content-length': whole.length });
  if (cut) outgoing.write(whole.subarray(0, Math.ceil(whole.length / 2)), () => outgoing.destroy());
  else outgoing.end(whole);
}
