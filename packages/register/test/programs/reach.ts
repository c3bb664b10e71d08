// A service that calls two hosts, and prints which baggage each got.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { withBusinessProcess } from '@tallystick/sdk';
import { identityKnown } from './identity-known.ts';

const server = createServer((incoming, response) => response.end(String(incoming.headers['baggage'])));
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;
await identityKnown();
await withBusinessProcess({ id: 'BP-1042' }, async () => {
  for (const host of ['127.0.0.1', 'localhost']) {
    process.stdout.write(`${host}: ${await (await fetch(`http://${host}:${port}/`)).text()}\n`);
  }
});
server.close();
server.closeAllConnections();
