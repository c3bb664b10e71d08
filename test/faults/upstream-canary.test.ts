// Canaries, which are the secrets of real upstreams, are looked for in everything that a sidecar and a service say and keep,
// while they sign in, use, extend, rotate, release, are denied, meet an upstream that is sealed, fails or answers nonsense,
// and are killed. A canary is all that passes between sidecar and upstreams and is not known to be public.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CredentialType } from '@tallystick/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SERVICE, startDaemon } from '../daemon/daemon.ts';
import { startOtlpCollector } from '../daemon/otlp-collector.ts';
import { startProgram } from '../daemon/program.ts';
import { overSocket } from '../daemon/socket-client.ts';
import { filesIn } from '../daemon/files-in.ts';
import { startFurnishedVault, type FurnishedVault } from '../interop/vault/furnished-vault.ts';
import { describeWithServers } from '../servers/require-server.ts';
import { secretsOf } from './bad-answers.ts';
import { canaryRegistry, MISSED, TAKEN } from './canary-credentials.ts';
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
import { secretPart, secretsPassed } from './exchange-secrets.ts';
import { findLeaks, type Leak } from './leaks.ts';
import type { Order } from './programs/upstream-canary-service.ts';
import { startRecordedUpstreams } from './recorded-upstreams.ts';
import type { RecordingProxy } from './recording-proxy.ts';
import { startRecordingRelay } from './recording-relay.ts';

const LEASED = /^ls_/;

/** Where a canary may be. */
const isInPlace = ({ canary, place }: Leak): boolean =>
  // The sidecar keeps what is its own.
  (/^(key|random) of the sidecar$/.test(canary) && place.startsWith(KEYS)) ||
  // A proof by a key of the service goes through the sidecar, and is good once, at the server that it was made for.
  (canary === 'sso: dpop' && place.startsWith('wire'));

describeWithServers(['vault', 'postgres'], 'the secrets of upstreams', () => {
  let server: FurnishedVault;
  beforeAll(async () => void (server = await startFurnishedVault()));
  afterAll(() => server?.stop());

  test('are nowhere but in the hands of the application', { timeout: 120_000 }, async () => {
    await using collector = await startOtlpCollector();
    await using upstreams = await startRecordedUpstreams(server);
    const { proxies, api } = upstreams;
    await using daemon = await startDaemon({
      registry: canaryRegistry(proxies, api),
      command: TELLING_SIDECAR,
      args: ['--log-level', 'debug'],
      env: telemetryTo(collector, 'tallystick'),
    });
    await upstreams.trust(daemon);
    await using relay = await startRecordingRelay(join(daemon.folder, 'relay/api.sock'), daemon.socket);
    mkdirSync(join(daemon.folder, 'service'));
    const { host, port, database } = server.postgres;
    const args = [`${proxies.sso.url}/token`, host, `${port}`, database];
    await using service = startProgram({
      command: tellingProgram('upstream-canary-service.ts', ...args),
      cwd: join(daemon.folder, 'service'),
      env: { ...telemetryTo(collector, 'close-batch'), TALLYSTICK_SOCKET: `unix://${relay.path}` },
    });
    await service.line(({ event }) => event === 'connected');
    const scene: CanaryScene = { daemon, places: [], canaries: [] };
    let orders = 0;
    const order = async (what: Order): Promise<unknown> => {
      const n = ++orders;
      service.send(JSON.stringify({ n, ...what }));
      return (await service.line((line) => line.n === n)).outcome;
    };
    /** What the service has opened. */
    const opened = (): string[] =>
      service.told.flatMap((line) => (JSON.parse(line) as { opened?: string }).opened ?? []);
    const take = (credential: string, type: CredentialType = 'secret'): Promise<unknown> =>
      order({ do: 'take', credential, type });
    const useAll = async (): Promise<void> => {
      for (const [credential, type] of TAKEN) expect(await take(credential, type), credential).toMatch(LEASED);
      expect(await order({ do: 'call', url: `${api}/journal` })).toBe(200);
      expect(await order({ do: 'query' })).toBe(1);
    };

    // Use, rotate, let go.
    await useAll();
    await operate(scene, [['leases', 'rotate', '--identity', SERVICE, '--reason', 'test', '--json']]);
    await useAll();
    expect(await order({ do: 'release', credential: 'deploy-ssh' })).toBe('released');
    // Denials, by the sidecar and by the upstream.
    expect(await take('payroll-key')).toBe('not_entitled');
    expect(await take('hidden-key')).toBe('upstream_denied');
    // Upstreams that fail, refuse in words, or answer nonsense.
    for (const [credential, type, from, change, code] of MISSED) {
      const usual = proxies[from].change;
      proxies[from].change = change;
      expect(await take(credential, type), credential).toBe(code);
      proxies[from].change = usual;
    }
    // What an operator is told of all that, while a login is extended by itself.
    const paths = (): string[] => proxies.vault.exchanges.map(({ path }) => path);
    await Promise.all([
      operate(scene, [['status'], ['leases', 'list'], ['identities', 'list'], ['check', '--online'], ['audit', 'log']]),
      findLeaked(scene, opened()[0]!),
      expect.poll(paths, PATIENCE).toContain('/v1/sys/leases/renew'),
    ]);
    await server.seal();
    expect(await take('audit-key')).toBe('upstream_sealed');
    const admin = join(daemon.folder, 'admin/admin.sock');
    for (const path of ['/v1/status', '/v1/leases', '/v1/identities', '/v1/issuer']) {
      const { status, body } = await overSocket(admin, 'GET', path, { host: 'localhost' });
      expect(status, path).toBe(200);
      scene.places.push({ name: `admin ${path}`, content: Buffer.from(body) });
    }
    await askAround(scene);
    noticeProcess(scene, 'service', service.pid);
    noticeProcess(scene, 'sidecar', daemon.pid);

    // An end that nobody announced, and another beginning.
    await daemon.kill('SIGKILL');
    noticeOutput(scene, 'sidecar', daemon);
    noticeMade(scene, 'sidecar', daemon.told);
    expect(await take('audit-key')).toBe('sidecar_unavailable');
    await server.unseal();
    scene.daemon = await daemon.again();
    await expect.poll(() => take('audit-key'), PATIENCE).toMatch(LEASED);
    await useAll();
    expect(await order({ do: 'close' })).toBe('closed');
    await service.ended;
    await scene.daemon.kill('SIGTERM');

    noticeOutput(scene, 'second sidecar', scene.daemon);
    noticeMade(scene, 'sidecar', scene.daemon.told);
    noticeOutput(scene, 'service', service);
    noticeMade(scene, 'service', service.told);
    noticeTelemetry(scene, collector);
    scene.places.push(...relay.streams().map((content, i) => ({ name: `wire ${i}`, content })));
    scene.places.push(...filesIn(daemon.folder));
    scene.canaries.push(...secretsOf({ spoiled: [] }));
    for (const [who, { exchanges }] of Object.entries<RecordingProxy>({ ...proxies })) {
      scene.canaries.push(...exchanges.flatMap((exchange) => secretsPassed(who, exchange)));
    }

    // It looked at what there is to look at, and for what there is to look for: all that the application got hold of.
    expect(
      unseen(scene, [
        /^traces/,
        /^metrics/,
        /^logs/,
        /^cmdline/,
        /^environ/,
        /entries/,
        /journal$/,
        /upstream-leases/,
        /^output of the sidecar/,
        /^output of the second/,
        /^output of the service/,
        /^tallystick /,
        /^wire/,
      ]),
    ).toEqual([]);
    expect([...new Set(scene.canaries.map(({ name }) => name))].sort()).toEqual([
      'a bad body',
      'aws: SecretAccessKey',
      'aws: SessionToken',
      'aws: WebIdentityToken',
      'key of the service',
      'key of the sidecar',
      'random of the sidecar',
      'sso: access_token',
      'sso: authorization',
      'sso: client_assertion',
      'sso: dpop',
      'vault: client_secret',
      'vault: client_token',
      'vault: id',
      'vault: jwt',
      'vault: key',
      'vault: password',
      'vault: x-vault-token',
    ]);
    const known = new Set(scene.canaries.map(({ bytes }) => bytes.toString()));
    expect(new Set(opened().map((text) => known.has(secretPart(text).toString())))).toEqual(new Set([true]));
    // What the sidecar asks upstreams has spans of its own, and none of the HTTP below them.
    const spans = Buffer.concat(collector.bodies('traces'));
    expect(spans.includes('mint_credential vault')).toBe(true);
    const hosts = Object.values<RecordingProxy>({ ...proxies }).map(({ url }) => new URL(url).host);
    expect(hosts.filter((host) => spans.includes(host))).toEqual([]);

    const leaks = findLeaks(scene.canaries, scene.places);
    expect(leaks.filter((leak) => !isInPlace(leak))).toEqual([]);
    expect(leaks.length).toBeGreaterThan(0);
  });
});
