// A canary, planted as key and token material, is looked for in everything that three real processes and the command
// say and keep, while they issue, use, rotate, deny, fail, and miss each other.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { command, tallystick } from '../daemon/command.ts';
import { AUDIENCE, SERVICE, startDaemon } from '../daemon/daemon.ts';
import { freePort } from '../servers/free-ports.ts';
import { startOtlpCollector } from '../daemon/otlp-collector.ts';
import { startProgram } from '../daemon/program.ts';
import { socketClient } from '../daemon/socket-client.ts';
import { filesIn } from '../daemon/files-in.ts';
import {
  askAround,
  findLeaked,
  KEYS,
  noticeMade,
  noticeOutput,
  noticeProcess,
  noticeTelemetry,
  operate,
  PATIENCE,
  telemetryTo,
  TELLING_SIDECAR,
  tellingProgram,
  unseen,
  type CanaryScene,
} from './canary-scene.ts';
import { findLeaks } from './leaks.ts';
import type { Order } from './programs/canary-service.ts';

const KEY_FILE = `${KEYS}issuer-keys.json`;
const LOG_KEY_FILE = `${KEYS}log-key-1-1.json`;

const registry = (api: string): string => `identities:
  - id: ${SERVICE}
    owner: team-payments
    purpose: posts the month-end journal
    environment: test
    businessProcesses: [BP-1042]
    expires: ${new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10)}
    match: [tallystick:socket:app]
    receives: [${AUDIENCE}]
    entitlements: [ledger-api, ledger-audit]
credentials:
  ledger-api: { provider: issuer, audience: ${AUDIENCE}, scope: journal.write, lifetime: 15m, use: [${api}/] }
  ledger-audit: { provider: issuer, audience: https://audit.acme.example, lifetime: 15m, use: [${api}/audit/] }
  payroll-api: { provider: issuer, audience: https://payroll.acme.example, lifetime: 15m, use: [${api}/payroll/] }
`;

/** The parts of a scene, and all that was seen of them. */
interface Scene extends CanaryScene {
  order(order: Omit<Order, 'n'>): Promise<unknown>;
}

/** Notes the private keys of the key files as they are now. */
function noticeKeys({ canaries, daemon }: Scene): void {
  const { content } = JSON.parse(readFileSync(join(daemon.folder, KEY_FILE), 'utf8')) as {
    content: { keys: { jwk: { d: string } }[] };
  };
  for (const { jwk } of content.keys)
    canaries.push({ name: 'key of the issuer', bytes: Buffer.from(jwk.d, 'base64url') });
  const log = JSON.parse(readFileSync(join(daemon.folder, LOG_KEY_FILE), 'utf8')) as {
    content: { jwk: { d: string } };
  };
  canaries.push({ name: 'key of the log', bytes: Buffer.from(log.content.jwk.d, 'base64url') });
}

/** Notes what programs told of the secrets that they made and were sent. */
function noticeTold(scene: Scene, who: string, told: readonly string[]): void {
  noticeMade(scene, who, told);
  for (const line of told) {
    const { authorization = '', dpop = '' } = JSON.parse(line) as Record<string, string>;
    for (const [name, jwt] of Object.entries({ token: authorization.replace(/^\w+ /, ''), proof: dpop })) {
      const signature = jwt.split('.')[2];
      // Who has not the signature has no token, and the rest is no secret.
      if (signature) scene.canaries.push({ name: `${name} sent to the ${who}`, bytes: Buffer.from(signature) });
    }
  }
}

test('key and token material is nowhere but among the keys', { timeout: 120_000 }, async () => {
  await using collector = await startOtlpCollector();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await using daemon = await startDaemon({
    registry: registry(url),
    command: TELLING_SIDECAR,
    args: ['--log-level', 'debug'],
    env: telemetryTo(collector, 'tallystick'),
  });
  for (const name of ['service', 'api']) mkdirSync(join(daemon.folder, name));
  const exported = await command(daemon, 'issuer', 'export', '--jwks', `${daemon.publicUrl}/jwks`);
  writeFileSync(join(daemon.folder, 'api/issuer.json'), exported.stdout);
  await using api = startProgram({
    command: tellingProgram('canary-api.ts', '--port', `${port}`, '--issuer', 'issuer.json', '--audience', AUDIENCE),
    cwd: join(daemon.folder, 'api'),
    env: telemetryTo(collector, 'ledger-api'),
  });
  await api.line(({ event }) => event === 'listening');
  await using service = startProgram({
    command: tellingProgram('canary-service.ts'),
    cwd: join(daemon.folder, 'service'),
    env: { ...telemetryTo(collector, 'close-batch'), TALLYSTICK_SOCKET: `unix://${daemon.socket}` },
  });
  await service.line(({ event }) => event === 'connected');
  let orders = 0;
  const scene: Scene = {
    daemon,
    places: [],
    canaries: [],
    async order(order) {
      const n = ++orders;
      service.send(JSON.stringify({ n, ...order } satisfies Order));
      return (await service.line((line) => line.n === n)).outcome;
    },
  };
  noticeKeys(scene);

  // Issue and use.
  expect(await scene.order({ do: 'call', url: `${url}/journal` })).toBe(200);
  expect(await scene.order({ do: 'credential', credential: 'ledger-api' })).toMatch(/^ls_/);
  // Rotate, the tokens and the keys of the issuer.
  await operate(scene, [
    ['issuer', 'rotate', '--reason', 'test', '--json'],
    ['leases', 'rotate', '--identity', SERVICE, '--reason', 'test'],
  ]);
  noticeKeys(scene);
  expect(await scene.order({ do: 'call', url: `${url}/journal` })).toBe(200);
  // Denials: by the SDK, by the sidecar, and by the API.
  expect(await scene.order({ do: 'call', url: `${url}/payroll/`, credential: 'payroll-api' })).toBe('not_entitled');
  const client = await socketClient(daemon.socket);
  const mine = String((await client.token({ resource: AUDIENCE })).json().access_token);
  expect((await client.token({ resource: 'https://payroll.acme.example' })).json().error).toBe('invalid_target');
  for (const authorization of [`Bearer ${mine}`, `DPoP ${mine}`, `DPoP ${mine.slice(0, -4)}`]) {
    expect((await fetch(url, { headers: { authorization, dpop: client.proof('GET', '/') } })).status).toBe(401);
  }
  // Misuse, which puts a token on the wire and may put it nowhere else.
  expect(await scene.order({ do: 'call-with-token-in-query', url: `${url}/journal`, credential: 'ledger-api' })).toBe(
    401,
  );
  // Errors.
  expect(
    await scene.order({ do: 'call', url: `http://127.0.0.1:${await freePort()}/`, credential: 'ledger-api' }),
  ).toBe('url_not_covered');
  await operate(scene, [['identities', 'suspend', SERVICE, '--reason', 'test']]);
  // The event that tells of it may come a moment after the command's end.
  const call = () => scene.order({ do: 'call', url: `${url}/journal` });
  await expect.poll(call, PATIENCE).toBe('identity_suspended');
  await operate(scene, [
    ['status'],
    ['identities', 'list'],
    ['identities', 'explain'],
    ['identities', 'resume', SERVICE, '--reason', 'test'],
    ['leases', 'list'],
    ['leases', 'revoke', '--identity', SERVICE, '--reason', 'test'],
    ['issuer', 'export'],
    ['audit', 'log'],
    ['audit', 'tail'],
    ['audit', 'inventory', '--at', new Date().toISOString()],
    ['check'],
    ['schema'],
  ]);
  scene.canaries.push({ name: 'token that was looked for', bytes: Buffer.from(mine.split('.')[2]!) });
  await findLeaked(scene, mine);
  await askAround(scene);
  noticeProcess(scene, 'service', service.pid);
  noticeProcess(scene, 'API', api.pid);
  noticeProcess(scene, 'sidecar', daemon.pid);
  // An outage.
  await daemon.kill('SIGKILL');
  noticeTold(scene, 'sidecar', daemon.told);
  noticeOutput(scene, 'sidecar', daemon);
  expect(await scene.order({ do: 'credential', credential: 'ledger-audit' })).toBe('sidecar_unavailable');
  await operate(scene, [['status'], ['leases', 'list']]);
  const second = await daemon.again();
  scene.daemon = second;
  noticeKeys(scene);
  await expect.poll(call, PATIENCE).toBe(200);
  await expect.poll(() => scene.order({ do: 'credential', credential: 'ledger-audit' }), PATIENCE).toMatch(/^ls_/);
  // An API that is gone, and the end.
  await api.kill('SIGTERM');
  expect(await scene.order({ do: 'call', url: `${url}/journal` })).toMatch(/fetch failed/);
  expect(await scene.order({ do: 'close' })).toBe('closed');
  await service.ended;
  await second.kill('SIGTERM');
  scene.places.push({
    name: 'a start that fails',
    content: Buffer.from((await tallystick(['run', '--config', join(daemon.folder, KEY_FILE)])).stderr),
  });

  noticeTold(scene, 'sidecar', second.told);
  noticeTold(scene, 'service', service.told);
  noticeTold(scene, 'API', api.told);
  noticeOutput(scene, 'second sidecar', second);
  noticeOutput(scene, 'service', service);
  noticeOutput(scene, 'API', api);
  noticeTelemetry(scene, collector);
  scene.places.push(...filesIn(daemon.folder));

  // It looked at what there is to look at, and for what there is to look for.
  expect(
    unseen(scene, [
      /^traces/,
      /^metrics/,
      /^logs/,
      /^cmdline/,
      /^environ/,
      /entries/,
      /journal$/,
      /receipts\.jsonl$/,
      /^output/,
      /^tallystick /,
    ]),
  ).toEqual([]);
  expect([...new Set(scene.canaries.map(({ name }) => name))].sort()).toEqual([
    'key of the API',
    'key of the issuer',
    'key of the log',
    'key of the service',
    'key of the sidecar',
    'proof sent to the API',
    'random of the API',
    'random of the sidecar',
    'token sent to the API',
    'token that was looked for',
  ]);
  const leaks = findLeaks(scene.canaries, scene.places);
  expect(leaks.filter(({ place }) => !place.startsWith(KEYS))).toEqual([]);
  expect(leaks.length).toBeGreaterThan(0);
});
