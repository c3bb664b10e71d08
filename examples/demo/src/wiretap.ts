import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it went over the wire. */
export interface Tapped {
  readonly token: string;
  readonly proof: string;
  readonly status: number;
  readonly atMs: number;
}

/** What a thief between service and API sees: every token, and every proof. */
export interface Wiretap {
  /** URL origin by which the service reaches the API. */
  readonly origin: string;
  readonly requests: readonly Tapped[];
  /** Passes what comes in on to this port. */
  forwardTo(port: number): void;
  close(): void;
}

/** Starts a proxy on loopback that passes requests on unchanged and keeps what a thief would. */
export async function startWiretap(): Promise<Wiretap> {
  const requests: Tapped[] = [];
  let port = 0;
  const server: Server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const onward = request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
      requests.push({
        token: headers.authorization?.replace(/^DPoP /, '') ?? '',
        proof: String(headers.dpop ?? ''),
        status: answer.statusCode ?? 0,
        atMs: Date.now(),
      });
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.writeHead(502).end());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    forwardTo: (to) => (port = to),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
