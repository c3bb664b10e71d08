// An ordinary service: it serves, and calls itself in every way that there is.
import http, { createServer, request, type ClientRequest, type IncomingMessage } from 'node:http';
import * as allOfHttp from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { connect, withBusinessProcess } from '@tallystick/sdk';
import { Agent, request as undiciRequest } from 'undici';
import { identityKnown } from './identity-known.ts';

const required = createRequire(import.meta.url)('http') as typeof http;
const server = createServer((incoming, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(incoming.headers));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
if (process.argv[2] === 'known') {
  // When this has failed, the first attempt of register, which is older, has failed too.
  await connect({ startupTimeoutMs: 0 }).then(
    (identity) => identity.close(),
    () => process.stdout.write('no sidecar yet\n'),
  );
  await identityKnown();
}
const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const answered = (outgoing: ClientRequest): Promise<void> =>
  new Promise((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', (response: IncomingMessage) => response.resume().on('end', () => resolve()));
    outgoing.end();
  });

await withBusinessProcess({ id: 'BP-1042', runId: 'r-77', ticket: 'CHG-7' }, async () => {
  await (
    await fetch(`${base}/fetch?access_token=canary-query`, { headers: { authorization: 'Bearer canary-header' } })
  ).text();
  await answered(request(`${base}/named`));
  await answered(http.get(`${base}/default`));
  await answered(allOfHttp.get(`${base}/namespace`));
  await answered(required.get(`${base}/required`));
  const dispatcher = new Agent();
  await (await undiciRequest(`${base}/undici`, { dispatcher })).body.text();
  await dispatcher.close();
});
server.close();
server.closeAllConnections();
