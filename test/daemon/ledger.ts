import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createVerifier,
  Refusal,
  type Caller,
  type TrustedIssuer,
  type Verifier,
  type VerifierOptions,
} from '@tallystick/resource-server';
import { AUDIENCE } from './daemon.ts';

/** The API of the tests, in the process of the test: it takes what its verifier accepts. */
export interface Ledger extends AsyncDisposable {
  /** Ends in `/`. */
  readonly url: string;
  /** Trusts this issuer from now on; until then every request is answered with 503. */
  trust(issuer: TrustedIssuer): void;
  /** Who called, in their order. */
  readonly callers: readonly Caller[];
  readonly refusals: readonly Refusal[];
}

/** Starts a ledger on loopback. */
export async function startLedger(options: Pick<VerifierOptions, 'receipts'> = {}): Promise<Ledger> {
  const callers: Caller[] = [];
  const refusals: Refusal[] = [];
  let verifier: Verifier | undefined;
  const server = createServer((request, response) => {
    if (!verifier) return void response.writeHead(503).end();
    verifier.verify(request).then(
      (caller) => {
        callers.push(caller);
        response.end('{}');
      },
      (error: unknown) => {
        if (!Refusal.is(error)) return void response.writeHead(500).end();
        refusals.push(error);
        response.writeHead(error.status, error.headers).end(error.body);
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `${origin}/`,
    callers,
    refusals,
    trust(issuer) {
      void verifier?.close();
      verifier = createVerifier({ issuers: [issuer], audience: AUDIENCE, publicOrigins: [origin], ...options });
    },
    async [Symbol.asyncDispose]() {
      await verifier?.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
