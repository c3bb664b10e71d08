// An API beside the sidecar reads keys and revocations from the socket itself, without any network.
import { spawnSync } from 'node:child_process';
import { createVerifier } from '@tallystick/resource-server';
import { connect } from '@tallystick/sdk';
import { expect, test } from 'vitest';
import { AUDIENCE, ISSUER, startDaemon } from '../daemon/daemon.ts';
import { overSocket, socketClient } from '../daemon/socket-client.ts';

test('a revoked token is refused by an API that reads the list from the socket', async () => {
  await using daemon = await startDaemon();
  using verifier = createVerifier({
    issuers: [
      {
        issuer: ISSUER,
        jwks: `unix:${daemon.socket}`,
        subjects: ['spiffe://acme.example/payments/'],
        revocations: { url: `unix:${daemon.socket}`, pollMs: 100 },
      },
    ],
    audience: AUDIENCE,
    publicOrigins: [AUDIENCE],
  });
  await using identity = await connect({ socket: daemon.socket });
  const request = async (): Promise<Request> => {
    const headers = await identity.authorize({ method: 'GET', url: `${AUDIENCE}/journal` });
    return new Request(`${AUDIENCE}/journal`, { headers: { ...headers } });
  };
  const held = await request();
  const caller = await verifier.verify(await request());
  const client = await socketClient(daemon.socket);
  await client.token();
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const token = held.headers.get('authorization')!.slice('DPoP '.length);
  expect((await overSocket(daemon.socket, 'POST', '/revoke', form, `token=${token}`)).status).toBe(200);
  await expect
    .poll(() =>
      verifier.verify(held.clone()).then(
        () => 'accepted',
        (error: { error?: string }) => error.error,
      ),
    )
    .toBe('invalid_token');
  expect(caller.leaseId).toMatch(/^ls_/);
});

test('the list on the socket has an ETag, and is not sent again while it is the same', async () => {
  await using daemon = await startDaemon();
  const first = await overSocket(daemon.socket, 'GET', '/revocations');
  expect(first.headers['content-type']).toBe('application/jwt');
  const again = await overSocket(daemon.socket, 'GET', '/revocations', { 'if-none-match': String(first.headers.etag) });
  expect({ status: again.status, body: again.body }).toEqual({ status: 304, body: '' });
  // Any client tells it as it is.
  const curl = spawnSync('curl', ['-s', '--unix-socket', daemon.socket, 'http://localhost/revocations'], {
    encoding: 'utf8',
  });
  if (!curl.error) expect(curl.stdout).toBe(first.body);
});
