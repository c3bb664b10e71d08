import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** What of a Kubernetes API server Vault asks: whose service-account token that is (TokenReview, authentication.k8s.io/v1). */
export interface TokenReviewer {
  readonly url: string;
  stop(): Promise<void>;
}

/** @param token The one that is of `sidecars:tallystick`; every other is of nobody. */
export async function startTokenReviewer(token: string): Promise<TokenReviewer> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { spec } = (await json(request)) as { spec: { token: string } };
    const user = { username: 'system:serviceaccount:sidecars:tallystick', uid: UID };
    const status = spec.token === token ? { authenticated: true, user } : { authenticated: false };
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', status }));
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Uid of the service account. */
export const UID = '0d2f9c1e-4b9e-4a39-9d0c-2c6a4f7d9a55';
