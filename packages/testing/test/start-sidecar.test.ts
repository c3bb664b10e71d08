import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { createVerifier } from '@tallystick/resource-server';
import { startSidecar, type TestSidecar } from '../src/index.ts';

const ID = 'spiffe://acme.example/close-batch';
let sidecar: TestSidecar | undefined;
const closing: (() => void)[] = [];
afterEach(async () => {
  await sidecar?.close();
  for (const close of closing.splice(0)) close();
});

async function api(): Promise<{ url: string; seen: { authorization: string | undefined }[] }> {
  const seen: { authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    seen.push({ authorization: request.headers.authorization });
    response.end('ok');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, seen };
}

function start(url: string, lifetime = '15m'): Promise<TestSidecar> {
  return startSidecar({
    identities: [{ id: ID, entitlements: ['ledger-api'] }],
    credentials: {
      'ledger-api': { audience: 'https://ledger.acme.example', scope: 'journal.write', use: [url], lifetime },
    },
  });
}

test('a workload calls an API with a token of the embedded sidecar', async () => {
  const { url, seen } = await api();
  sidecar = await start(url);
  const identity = await sidecar.connect(ID);
  expect(identity.id).toBe(ID);
  expect((await identity.fetch(url)).status).toBe(200);
  expect(seen[0]!.authorization).toMatch(/^DPoP ey/);
});

test('moving the clock past half of the lifetime gets a new token, and no call fails', async () => {
  const { url, seen } = await api();
  sidecar = await start(url);
  const identity = await sidecar.connect(ID);
  await identity.fetch(url);
  await sidecar.clock.advance(8.5 * 60_000);
  // The old token serves while the new one is on its way.
  await vi.waitFor(async () => {
    expect((await identity.fetch(url)).status).toBe(200);
    expect(new Set(seen.map(({ authorization }) => authorization)).size).toBe(2);
  });
});

test('an outage within the token is not noticed, and ends', async () => {
  const { url } = await api();
  sidecar = await start(url);
  const identity = await sidecar.connect(ID);
  await identity.fetch(url);
  await sidecar.outage(true);
  await sidecar.clock.advance(60_000);
  expect((await identity.fetch(url)).status).toBe(200);
  await sidecar.outage(false);
  expect((await identity.fetch(url)).status).toBe(200);
});

test("the options for createVerifier accept the sidecar's tokens by its clock", async () => {
  sidecar = await start('https://ledger.acme.example/');
  const verifier = createVerifier(
    await sidecar.verifierOptions({
      audience: 'https://ledger.acme.example',
      publicOrigins: ['https://ledger.acme.example'],
    }),
  );
  const identity = await sidecar.connect(ID);
  const request = async (): Promise<Request> => {
    const headers = await identity.authorize({ method: 'GET', url: 'https://ledger.acme.example/' });
    return new Request('https://ledger.acme.example/', { headers: { ...headers } });
  };
  const early = await request();
  expect((await verifier.verify(await request())).identity).toBe(ID);
  await sidecar.clock.advance(16 * 60_000);
  await expect(verifier.verify(early)).rejects.toMatchObject({ status: 401 });
});

test('a suspended identity gets nothing, and its rights back when it is resumed', async () => {
  const { url } = await api();
  sidecar = await start(url);
  const identity = await sidecar.connect(ID);
  await identity.fetch(url);
  await sidecar.suspend(ID);
  await vi.waitFor(() => expect(identity.fetch(url)).rejects.toMatchObject({ code: 'identity_suspended' }));
  await sidecar.resume(ID);
  await vi.waitFor(async () => expect((await identity.fetch(url)).status).toBe(200));
});

test('a revoked token is replaced, and the old one is on the list that APIs read', async () => {
  const { url, seen } = await api();
  sidecar = await start(url);
  const identity = await sidecar.connect(ID);
  await identity.fetch(url);
  await sidecar.revoke(ID);
  await vi.waitFor(async () => {
    await identity.fetch(url);
    expect(new Set(seen.map(({ authorization }) => authorization)).size).toBe(2);
  });
  const types = (await sidecar.records()).map(({ type }) => type);
  expect(types.filter((type) => type === 'credential.released')).toHaveLength(2);
});

test('a configuration with a mistake is refused in words', async () => {
  const config = { identities: [{ id: 'acme' }], credentials: {} };
  await expect(startSidecar(config)).rejects.toMatchObject({ code: 'invalid_spiffe_id' });
});
