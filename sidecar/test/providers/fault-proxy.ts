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
  /** The upstream answers, and that arrives so much later. */
  | { readonly kind: 'late'; readonly ms: number }
  /** The upstream answers, and this comes behind it in the same body. */
  | { readonly kind: 'long'; readonly more: string }
  /** It is answered in the place of the upstream, which is asked nevertheless where `isAsked`. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body: string;
      readonly isAsked?: boolean;
    };

type Answer = Extract<Weather, { kind: 'answer' }>;

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
  /** What the upstream has answered, and the weather kept from arriving as it was. */
  readonly spoiled: readonly string[];
  /** Gives this weather to all requests but so many first ones, or to those that are chosen. */
  set(weather: Weather, chosen?: number | ((request: ProxiedRequest) => boolean)): void;
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
  let isHit: (request: ProxiedRequest) => boolean = () => true;
  let requests: ProxiedRequest[] = [];
  const spoiled: string[] = [];
  let met = Promise.withResolvers<void>();

  const server = createServer((incoming, outgoing) => void take(incoming, outgoing));
  const take = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    // One that gave up sends no more.
    const chunks = (await incoming.toArray().catch(() => undefined)) as Buffer[] | undefined;
    if (!chunks) return;
    const { method = 'GET', url: path = '/', headers } = incoming;
    const asked = { method, path, headers, body: Buffer.concat(chunks).toString() };
    requests.push(asked);
    const now = isHit(asked) ? weather : ({ kind: 'fair' } as const);
    if (now.kind !== 'fair') met.resolve();
    if (now.kind === 'silent') return;
    if (now.kind === 'away') {
      incoming.socket.destroy();
      return;
    }
    if (now.kind === 'answer' && !now.isAsked) {
      answer(now, outgoing);
      return;
    }
    try {
      const given = await ask({ hostname, port, method, path, headers }, asked.body);
      if (now.kind !== 'fair') spoiled.push(given.body.toString());
      passBack(given, outgoing, now);
    } catch {
      outgoing.destroy();
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
    spoiled,
    set(next, chosen = 0) {
      let left = typeof chosen === 'number' ? chosen : 0;
      weather = next;
      isHit = typeof chosen === 'number' ? () => left-- <= 0 : chosen;
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

/** What the upstream has answered. */
interface Given {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

async function ask(to: RequestOptions, body: string): Promise<Given> {
  const sent = request({ ...to, agent: false }).end(body);
  // What breaks later is heard from its answer.
  sent.on('error', () => {});
  const [given] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks = (await given.toArray()) as Buffer[];
  const { 'transfer-encoding': _, ...headers } = given.headers;
  return { status: given.statusCode ?? 502, headers, body: Buffer.concat(chunks) };
}

function answer({ status, headers, body }: Answer, outgoing: ServerResponse): void {
  outgoing.writeHead(status, headers).end(body);
}

function passBack({ status, headers, body }: Given, outgoing: ServerResponse, now: Weather): void {
  const begin = ({ length }: Buffer): ServerResponse =>
    outgoing.writeHead(status, { ...headers, 'content-length': length });
  const end = (whole: Buffer): void => void begin(whole).end(whole);
  switch (now.kind) {
    case 'answer':
      return answer(now, outgoing);
    case 'half':
      begin(body).write(body.subarray(0, Math.ceil(body.length / 2)), () => outgoing.destroy());
      return;
    case 'late':
      setTimeout(end, now.ms, body).unref();
      return;
    case 'long':
      return end(Buffer.concat([body, Buffer.from(now.more)]));
    case 'fair':
    case 'away':
    case 'silent':
      return end(body);
  }
}
