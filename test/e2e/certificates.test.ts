// Certificates of the built-in authority, between two services that know no file: each shows its own, which rotates while
// calls are in flight.
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { connect } from '@tallystick/sdk';
import { rotateServer, rotatingDispatcher } from '@tallystick/sdk/tls';
import { Agent, request } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { command } from '../daemon/command.ts';
import { SERVICE, startDaemon } from '../daemon/daemon.ts';
import { readRecords } from '../faults/record-files.ts';

const REGISTRY = `identities:
  - id: ${SERVICE}
    owner: team-payments
    purpose: posts the month-end journal
    environment: test
    businessProcesses: [BP-1042]
    expires: ${new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10)}
    match: [tallystick:socket:app]
    entitlements: [batch-tls]
providers:
  mesh: { type: ca }
credentials:
  batch-tls: { provider: mesh, lifetime: 4s, dnsNames: [ledger.test] }
`;

test('a service shows its certificate, and a newer one when it has rotated, and no call in flight is cut', async () => {
  await using daemon = await startDaemon({ registry: REGISTRY });
  await using identity = await connect({ socket: `unix://${daemon.socket}` });
  const slow = Promise.withResolvers<void>();
  const serials = new Set<string>();
  const server = createServer({ requestCert: true, rejectUnauthorized: true }, (message, response) => {
    const { serialNumber, subjectaltname } = (message.socket as TLSSocket).getPeerCertificate();
    serials.add(serialNumber.toLowerCase());
    if (message.url === '/slow') void slow.promise.then(() => response.end(serialNumber.toLowerCase()));
    else response.end(subjectaltname);
  });
  using _certificate = await rotateServer(identity, 'batch-tls', server);
  const port = await listen(server);
  await using dispatcher = await rotatingDispatcher(
    identity,
    'batch-tls',
    (tls) => new Agent({ connect: { ...tls, servername: 'ledger.test' } }),
  );
  const get = async (path: string): Promise<string> => {
    const answer = await request(`https://127.0.0.1:${port}${path}`, { dispatcher: dispatcher as unknown as Agent });
    return answer.body.text();
  };

  const inFlight = get('/slow');
  expect(await get('/')).toBe(`URI:${SERVICE}, DNS:ledger.test`);
  const [first] = serials;
  while (serials.size < 3) await get('/');
  slow.resolve();
  expect(await inFlight).toBe(first);

  const recorded = readRecords(daemon.folder).flatMap(({ type, body }) =>
    type === 'credential.released'
      ? [(body as { handles: { certificateSerial: string } }).handles.certificateSerial]
      : [],
  );
  expect(new Set(recorded).isSupersetOf(serials)).toBe(true);
});

test('the key of the built-in authority lies among the private keys, for nobody but the sidecar to read', async () => {
  await using daemon = await startDaemon({ registry: REGISTRY });
  await using identity = await connect({ socket: `unix://${daemon.socket}` });
  await identity.credential('batch-tls', 'x509');
  const kept = (folder: string): string[] =>
    readdirSync(join(daemon.folder, 'state', folder)).filter((name) => name.startsWith('provider-'));
  expect([kept('keys'), kept('leases')]).toEqual([['provider-mesh.json'], []]);
  expect(statSync(join(daemon.folder, 'state/keys/provider-mesh.json')).mode & 0o777).toBe(0o600);
});

test('a certificate that is revoked is shown no more, and calls fail with why', async () => {
  await using daemon = await startDaemon({ registry: REGISTRY.replace('4s', '1h') });
  await using identity = await connect({ socket: `unix://${daemon.socket}` });
  await using dispatcher = await rotatingDispatcher(identity, 'batch-tls', (tls) => new Agent({ connect: tls }));
  const watched = identity.watch('batch-tls', 'x509')[Symbol.asyncIterator]();
  await watched.next();
  const ended = expect(watched.next()).rejects.toMatchObject({ code: 'identity_suspended' });
  await command(daemon, 'identities', 'suspend', SERVICE, '--reason', 'test');
  await ended;
  const call = request('https://127.0.0.1:1/', { dispatcher: dispatcher as unknown as Agent });
  await expect(call).rejects.toMatchObject({ code: 'identity_suspended' });
});

async function listen(server: Server): Promise<number> {
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}
