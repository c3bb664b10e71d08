// Many at once, again and elsewhere: what the sidecar mints, and who else would take it.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { createProof, generateHolderKey } from '@tallystick/dpop';
import { createMemoryReplayStore, createVerifier, Refusal, type Verifier } from '@tallystick/resource-server';
import { connect } from '@tallystick/sdk';
import { expect, test } from 'vitest';
import { AUDIENCE, ISSUER, SERVICE, startDaemon, type Daemon } from '../daemon/daemon.ts';
import { ENVIRONMENT } from '../daemon/program.ts';
import { overSocket, socketClient } from '../daemon/socket-client.ts';
import { readRecords } from './record-files.ts';

const minted = (daemon: Daemon): number =>
  readRecords(daemon.folder).filter(({ type, body }) => type === 'credential.released' && body.source === 'minted')
    .length;

function verifierOf(daemons: readonly { issuer: string; daemon: Daemon; subjects: readonly string[] }[]): Verifier {
  return createVerifier({
    issuers: daemons.map(({ issuer, daemon, subjects }) => ({ issuer, jwks: `${daemon.publicUrl}/jwks`, subjects })),
    audience: AUDIENCE,
    publicOrigins: [AUDIENCE],
  });
}

async function refusalOf(verifier: Verifier, authorization: string, dpop: string): Promise<Refusal> {
  const outcome: unknown = await verifier
    .verify(new Request(`${AUDIENCE}/journal`, { headers: { authorization, dpop } }))
    .catch((error: unknown) => error);
  if (!Refusal.is(outcome)) throw new Error(`it was not refused: ${JSON.stringify(outcome)}`);
  return outcome;
}

test('a thousand concurrent first calls with one key make one mint', { timeout: 60_000 }, async () => {
  await using daemon = await startDaemon();
  const client = await socketClient(daemon.socket);
  expect((await client.send('GET', '/v1/identity')).status).toBe(200);
  const answers = await Promise.all(Array.from({ length: 1000 }, () => client.token()));
  expect(answers.map(({ status }) => status).filter((status) => status !== 200)).toEqual([]);
  expect(new Set(answers.map((answer) => answer.json().access_token)).size).toBe(1);
  expect(minted(daemon)).toBe(1);
  // Each release is on record, also of what was minted before.
  expect(readRecords(daemon.folder).filter(({ type }) => type === 'credential.released')).toHaveLength(1000);
});

test('eight processes of one service make eight mints, one for each key', { timeout: 60_000 }, async () => {
  await using daemon = await startDaemon();
  const program = `
    import { connect } from '@tallystick/sdk';
    const identity = await connect();
    await Promise.all(Array.from({ length: 100 }, () => identity.authorize({ method: 'GET', url: '${AUDIENCE}/' })));
    console.log(identity.id);`;
  const ids = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const child = spawn(
        process.execPath,
        ['--conditions=@tallystick/source', '--input-type=module', '--eval', program],
        {
          cwd: import.meta.dirname,
          env: { ...ENVIRONMENT, TALLYSTICK_SOCKET: `unix://${daemon.socket}` },
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      const [line] = await Promise.all([
        new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve)),
        new Promise((resolve) => child.once('close', resolve)),
      ]);
      return line;
    }),
  );
  expect(ids).toEqual(Array.from({ length: 8 }, () => SERVICE));
  expect(minted(daemon)).toBe(8);
});

test('a proof of before a restart is not accepted after it', async () => {
  await using daemon = await startDaemon();
  const client = await socketClient(daemon.socket);
  await client.token();
  const proof = client.proof('POST', '/token');
  await daemon.kill('SIGKILL');
  const second = await daemon.again();
  const form = { 'content-type': 'application/x-www-form-urlencoded', dpop: proof };
  const answer = await overSocket(second.socket, 'POST', '/token', form, 'grant_type=client_credentials');
  expect(answer.json()).toMatchObject({ error: 'use_dpop_nonce', retryable: true });
  await second.kill('SIGTERM');
});

test('a proof is good once at the sidecar', async () => {
  await using daemon = await startDaemon();
  const client = await socketClient(daemon.socket);
  await client.token();
  const form = { 'content-type': 'application/x-www-form-urlencoded', dpop: client.proof('POST', '/token') };
  const ask = () => overSocket(daemon.socket, 'POST', '/token', form, 'grant_type=client_credentials');
  expect((await ask()).status).toBe(200);
  expect((await ask()).json()).toMatchObject({ error: 'invalid_dpop_proof', code: 'proof_replayed' });
});

test('two sidecars and one API: a subject that one mints for the other is refused', { timeout: 60_000 }, async () => {
  const otherIssuer = 'https://tallystick.other.example';
  const subjects = ['spiffe://acme.example/payments/'];
  await using ours = await startDaemon();
  await using other = await startDaemon({ issuer: otherIssuer });
  const verifier = verifierOf([
    { issuer: ISSUER, daemon: ours, subjects },
    { issuer: otherIssuer, daemon: other, subjects: ['spiffe://acme.example/reports/'] },
  ]);
  await using mine = await connect({ socket: ours.socket });
  await using theirs = await connect({ socket: other.socket });
  const request = { method: 'GET', url: `${AUDIENCE}/journal` };
  const good = await mine.authorize(request);
  const caller = await verifier.verify(
    new Request(request.url, { headers: { authorization: good.authorization, dpop: good.dpop } }),
  );
  expect(caller).toMatchObject({ identity: SERVICE, issuer: ISSUER });
  const cross = await theirs.authorize(request);
  expect(await refusalOf(verifier, cross.authorization, cross.dpop)).toMatchObject({
    error: 'invalid_token',
    reason: 'token_subject',
  });
});

test('no JWT is accepted in the place of another', { timeout: 60_000 }, async () => {
  await using daemon = await startDaemon();
  const verifier = verifierOf([{ issuer: ISSUER, daemon, subjects: ['spiffe://acme.example/payments/'] }]);
  const client = await socketClient(daemon.socket);
  const accessToken = String((await client.token()).json().access_token);
  const jwts: Record<string, string> = {
    'access token': accessToken,
    proof: client.proof('POST', '/token'),
    'revocation list': await (await fetch(`${daemon.publicUrl}/revocations`)).text(),
  };
  const accepted: string[] = [];
  for (const [name, jwt] of Object.entries(jwts)) {
    const own = (url: string, method: string): string =>
      createProof(client.key, { method, url, iat: Date.now() / 1000, accessToken: jwt });
    // As the access token at an API, with a proof by the right key.
    const refused = await verifier
      .verify(
        new Request(`${AUDIENCE}/journal`, {
          headers: { authorization: `DPoP ${jwt}`, dpop: own(`${AUDIENCE}/journal`, 'GET') },
        }),
      )
      .then(() => false, Refusal.is);
    if (!refused) accepted.push(`${name} as access token`);
    // As the proof, at an API and at the sidecar.
    const asProof = await verifier
      .verify(new Request(`${AUDIENCE}/journal`, { headers: { authorization: `DPoP ${accessToken}`, dpop: jwt } }))
      .then(() => false, Refusal.is);
    if (!asProof) accepted.push(`${name} as proof at an API`);
    const form = { 'content-type': 'application/x-www-form-urlencoded', dpop: jwt };
    const atSidecar = await overSocket(daemon.socket, 'POST', '/token', form, 'grant_type=client_credentials');
    if (atSidecar.status === 200) accepted.push(`${name} as proof at the sidecar`);
    // As the token of an introspection.
    const introspected = await overSocket(
      daemon.socket,
      'POST',
      '/introspect',
      { 'content-type': 'application/x-www-form-urlencoded' },
      new URLSearchParams({ token: jwt }).toString(),
    );
    if (introspected.json().active === true) accepted.push(`${name} as introspected token`);
    // As the revocation list of an API.
    const { createServer } = await import('node:http');
    const list = createServer((_, response) => response.end(jwt)).listen(0, '127.0.0.1');
    await new Promise((resolve) => list.once('listening', resolve));
    const { port } = list.address() as { port: number };
    const reader = createVerifier({
      issuers: [
        {
          issuer: ISSUER,
          jwks: `${daemon.publicUrl}/jwks`,
          subjects: ['spiffe://acme.example/payments/'],
          revocations: `http://127.0.0.1:${port}/`,
        },
      ],
      audience: AUDIENCE,
      publicOrigins: [AUDIENCE],
    });
    const { authorization, dpop } = {
      authorization: `DPoP ${accessToken}`,
      dpop: createProof(client.key, { method: 'GET', url: `${AUDIENCE}/journal`, iat: Date.now() / 1000, accessToken }),
    };
    const read = await reader.verify(new Request(`${AUDIENCE}/journal`, { headers: { authorization, dpop } })).then(
      () => true,
      () => false,
    );
    if (read) accepted.push(`${name} as revocation list`);
    list.close();
  }
  expect(accepted).toEqual([
    'access token as access token',
    'access token as introspected token',
    'proof as proof at the sidecar',
    'revocation list as revocation list',
  ]);
});

test('a stolen token, with and without a proof of the thief, is refused', async () => {
  await using daemon = await startDaemon();
  const verifier = verifierOf([{ issuer: ISSUER, daemon, subjects: ['spiffe://acme.example/payments/'] }]);
  await using identity = await connect({ socket: daemon.socket });
  const { authorization, dpop } = await identity.authorize({ method: 'GET', url: `${AUDIENCE}/journal` });
  const thief = await generateHolderKey();
  const token = authorization.slice('DPoP '.length);
  const own = createProof(thief, {
    method: 'GET',
    url: `${AUDIENCE}/journal`,
    iat: Date.now() / 1000,
    accessToken: token,
  });
  expect((await refusalOf(verifier, authorization, own)).reason).toBe('proof_key');
  expect((await refusalOf(verifier, `Bearer ${token}`, dpop)).error).toBe('invalid_token');
});

test('a flood of denials is bounded on disk, and the first are all on record', { timeout: 60_000 }, async () => {
  await using daemon = await startDaemon();
  const client = await socketClient(daemon.socket);
  await client.token();
  const before = readRecords(daemon.folder).length;
  const statuses = new Map<number, number>();
  for (let i = 0; i < 400; i++) {
    const { status } = await client.token({ resource: 'https://payroll.acme.example' });
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  expect(Object.fromEntries(statuses)).toEqual({ 400: 20, 429: 380 });
  const records = readRecords(daemon.folder).slice(before);
  expect(records.filter(({ type }) => type === 'credential.denied')).toHaveLength(20);
  expect(records.filter(({ type }) => type === 'denied.suppressed')).toHaveLength(1);
  expect(records.length).toBeLessThanOrEqual(22);
});

test('with a full replay store nothing new is accepted, and what was used stays used', async () => {
  await using daemon = await startDaemon();
  const verifier = createVerifier({
    issuers: [{ issuer: ISSUER, jwks: `${daemon.publicUrl}/jwks`, subjects: [SERVICE] }],
    audience: AUDIENCE,
    publicOrigins: [AUDIENCE],
    replayStore: createMemoryReplayStore({ capacity: 2 }),
  });
  await using identity = await connect({ socket: daemon.socket });
  const authorize = () => identity.authorize({ method: 'GET', url: `${AUDIENCE}/journal` });
  const used = await authorize();
  for (const { authorization, dpop } of [used, await authorize()]) {
    await verifier.verify(new Request(`${AUDIENCE}/journal`, { headers: { authorization, dpop } }));
  }
  const fresh = await authorize();
  expect(await refusalOf(verifier, fresh.authorization, fresh.dpop)).toMatchObject({
    status: 503,
    code: 'replay_store_unavailable',
    retryable: true,
  });
  expect((await refusalOf(verifier, used.authorization, used.dpop)).reason).toBe('proof_replayed');
});
