// Sidecar, service and API, each by a clock of its own, over their real sockets: ten minutes off, and jumping.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createVerifier, Refusal } from '@tallystick/resource-server';
import { connectWith } from '@tallystick/sdk/internal';
import { embedSidecar, type EmbeddedSidecar } from '@tallystick/sidecar/embedded';
import { createManualClock, type ManualClock } from '@tallystick/testing';
import type { Identity } from '@tallystick/sdk';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AUDIENCE, ISSUER, SERVICE } from '../daemon/daemon.ts';
import { socketClient } from '../daemon/socket-client.ts';
import { SEED, seeded, times, tried } from './scale.ts';
import { verified } from './verified-log.ts';

const MINUTE = 60_000;
const LIFETIME_MS = 15 * MINUTE;
const START = Date.now();

let folder: string;
let clocks: { sidecar: ManualClock; service: ManualClock; api: ManualClock };
let sidecar: EmbeddedSidecar;
let identity: Identity;
let api: Server;
let url: string;
let accepted: { readonly expiresAtMs: number; readonly atMs: number }[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tallystick-clock-'));
  clocks = { sidecar: createManualClock(START), service: createManualClock(START), api: createManualClock(START) };
  accepted = [];
  api = createServer((request, response) => {
    // The API's Date is by its own clock: what a service corrects itself by.
    response.setHeader('date', new Date(clocks.api.nowMs()).toUTCString());
    verifier.verify(request).then(
      (caller) => {
        accepted.push({ expiresAtMs: caller.expiresAt.getTime(), atMs: clocks.api.nowMs() });
        response.end('ok');
      },
      (error: unknown) => {
        if (!Refusal.is(error)) return void response.writeHead(500).end();
        response.writeHead(error.status, error.headers).end(error.body);
      },
    );
  });
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  url = `${origin}/`;
  sidecar = await embedSidecar({ config: configOf(url), clock: clocks.sidecar, timers: clocks.sidecar });
  const verifier = createVerifier({
    issuers: [{ issuer: ISSUER, jwks: await sidecar.jwks(), subjects: [SERVICE] }],
    audience: AUDIENCE,
    publicOrigins: [origin],
    clock: clocks.api,
    timers: clocks.api,
  });
  identity = await connectWith(
    { clock: clocks.service, timers: clocks.service },
    { socket: join(folder, 'app/api.sock') },
  );
});

afterEach(async () => {
  await identity.close();
  await sidecar.close();
  api.closeAllConnections();
  api.close();
  rmSync(folder, { recursive: true });
});

const configOf = (use: string): unknown => ({
  version: 1,
  trustDomain: 'acme.example',
  state: `${folder}/state`,
  listen: { workload: [{ name: 'app', path: `${folder}/app/api.sock` }], admin: `${folder}/admin/admin.sock` },
  issuer: { url: ISSUER },
  identities: [
    {
      id: SERVICE,
      owner: 'team-payments',
      purpose: 'a test',
      environment: 'test',
      expires: new Date(START + 90 * 86_400_000).toISOString().slice(0, 10),
      match: ['tallystick:socket:app'],
      entitlements: ['ledger-api'],
    },
  ],
  credentials: { 'ledger-api': { provider: 'issuer', audience: AUDIENCE, lifetime: '15m', use: [use] } },
});

/** Sets one party's wall clock so far from the true time. */
function shift(party: keyof typeof clocks, ms: number): void {
  clocks[party].setWall(START + clocks[party].monotonicMs() + ms);
}

/** Lets the same time pass for all. */
async function pass(ms: number): Promise<void> {
  await Promise.all(Object.values(clocks).map((clock) => clock.advance(ms)));
}

const call = async (): Promise<number> => (await identity.fetch(url)).status;

test.each([10, -10])('a service whose clock is %i minutes off fails no call', async (minutes) => {
  shift('service', minutes * MINUTE);
  for (let i = 0; i < 5; i++) {
    expect(await call()).toBe(200);
    await pass(4 * MINUTE);
  }
});

test('a sidecar whose clock is ten minutes ahead is refused by the API, and served again when it is right', async () => {
  shift('sidecar', 10 * MINUTE);
  expect(await call()).toBe(401);
  shift('sidecar', 0);
  // The token that was refused is replaced once in a minute at the most.
  await pass(MINUTE + 1000);
  expect(await call()).toBe(200);
});

test('a sidecar whose clock is ten minutes behind makes tokens that end early, and none that live on', async () => {
  shift('sidecar', -10 * MINUTE);
  expect(await call()).toBe(200);
  await pass(6 * MINUTE);
  expect(await call()).toBe(401);
  shift('sidecar', 0);
  await pass(MINUTE + 1000);
  expect(await call()).toBe(200);
});

test(
  `clocks that jump by ten minutes, back and forth, let no expired token pass, and leave nothing broken (seed ${SEED})`,
  { timeout: 120_000 },
  async () => {
    const random = seeded(SEED);
    const parties = Object.keys(clocks) as (keyof typeof clocks)[];
    const jumps = times(40, 1000);
    tried(
      'clocks that jump by ten minutes, back and forth, let no expired token pass, and leave nothing broken',
      jumps,
    );
    for (let i = 0; i < jumps; i++) {
      shift(parties[Math.floor(random() * 3)]!, (Math.floor(random() * 3) - 1) * 10 * MINUTE);
      await pass(random() * 2 * MINUTE);
      expect([200, 401]).toContain(await call().catch((error: { code?: string }) => error.code));
    }
    for (const { expiresAtMs, atMs } of accepted) expect(atMs).toBeLessThan(expiresAtMs);
    expect(accepted.length).toBeGreaterThan(0);
    for (const party of parties) shift(party, 0);
    await pass(LIFETIME_MS + MINUTE);
    expect(await call()).toBe(200);
  },
);

test('the record of a sidecar whose clock goes back and forth is verified whole, and says each jump', async () => {
  const client = await socketClient(join(folder, 'app/api.sock'));
  const jumps = [10, -10, 0, 10, 0];
  for (const minutes of jumps) {
    shift('sidecar', minutes * MINUTE);
    expect((await client.token()).status).toBe(200);
  }
  const records = await sidecar.records();
  const steps = records.flatMap(({ clock }) => (clock as { offset_ms: number; source: string } | null) ?? []);
  expect(steps.filter(({ source }) => source === 'step').map(({ offset_ms }) => offset_ms / MINUTE)).toEqual(
    jumps.map((minutes, i) => minutes - (jumps[i - 1] ?? 0)),
  );
  await sidecar.close();
  expect((await verified(folder)).integrity).toMatchObject({ verdict: 'holds', findings: [] });
});
