import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TallystickError } from '@tallystick/core';
import { bodyHash } from '@tallystick/dpop';
import { createOneTimeKey, formatCredentialRequest } from '@tallystick/protocol';
import { expect, test } from 'vitest';
import type { Config, ProviderConfig } from '../../src/config/config.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import type { ProviderKind } from '../../src/providers/provider.ts';
import { configOf, credential, entitled, identity } from '../acme.ts';
import { holder, type Holder } from '../api/holder.ts';
import { serveSidecar } from '../api/served-sidecar.ts';
import { runCli } from '../cli/run-cli.ts';
import { ask } from '../listen/unix-client.ts';
import { guarded } from './guarded-upstreams.ts';
import { upstreamCredential } from './test-provider.ts';

const DB = upstreamCredential('ledger-db', { lifetimeMs: 3_600_000 });

async function served() {
  const provider: ProviderConfig = { name: 'test-db', kind: { type: 'vault' } as ProviderKind, settings: {} };
  const batch = identity('close-batch', { entitlements: [entitled('ledger-db'), entitled('ledger-api')] });
  const config: Config = {
    ...configOf([batch], [credential('ledger-api'), DB]),
    providers: new Map([['test-db', provider]]),
  };
  const calls = createMetrics();
  const own = await serveSidecar({ config, upstreams: guarded(config, calls) });
  const socket = await own.workload();
  const admin = await own.admin();
  const samples = (name: string): string[] =>
    `${own.metrics.render()}${calls.render()}`
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  const status = async () =>
    ((await ask(admin, { target: '/v1/status' })).json.upstreams as Record<string, unknown>)['test-db'];
  /** Runs a command that asks the sidecar. */
  const cli = async (...argv: string[]): Promise<string> => {
    const path = join(own.folder, 'tallystick.yaml');
    writeFileSync(path, configText(own.folder, admin));
    return (await runCli([...argv, '--config', path])).stdout;
  };
  return { ...own, socket, one: await holder(socket), samples, status, cli };
}

const configText = (folder: string, admin: string): string => `version: 1
trustDomain: acme.example
state: ${folder}
listen: { workload: unix://${folder}/app.sock, admin: ${admin} }
issuer: { url: https://tallystick.acme.example, signer: local }
identities: []
credentials: {}
`;

async function login(who: Holder): Promise<number> {
  const body = formatCredentialRequest({ type: 'database', sealTo: createOneTimeKey().jwk });
  const path = '/v1/credentials/ledger-db';
  for (;;) {
    const headers = { 'content-type': 'application/json', dpop: who.prove('POST', path, { bth: bodyHash(body) }) };
    const { status, json } = await who.send('POST', path, { headers, body });
    if (json.code !== 'use_dpop_nonce') return status;
  }
}

test('status and metrics tell how an upstream is: before it is asked, while it serves, and while it does not', async () => {
  const { one, status, samples, upstream, time } = await served();
  const unasked = {
    type: 'vault',
    reachable: null,
    breaker: 'closed',
    last_success_age_seconds: null,
    last_error: null,
  };
  expect(await status()).toEqual({ ...unasked, leases: 0 });
  expect(samples('tallystick_upstream_reachable')).toEqual([]);

  await login(one);
  time.advance(60_000);
  expect(await status()).toEqual({ ...unasked, reachable: true, last_success_age_seconds: 60, leases: 1 });
  expect(samples('tallystick_upstream_reachable')).toEqual(['tallystick_upstream_reachable{provider="test-db"} 1']);
  expect(samples('tallystick_upstream_success_age_seconds')).toEqual([
    'tallystick_upstream_success_age_seconds{provider="test-db"} 60',
  ]);
  expect(samples('tallystick_leases_by_provider')).toContain(
    'tallystick_leases_by_provider{provider="test-db",type="database"} 1',
  );

  upstream.making = () => Promise.reject(new TallystickError('upstream_sealed', 'sealed', { retryAfterMs: 10_000 }));
  time.advance(3_000_000);
  await login(one);
  expect(await status()).toMatchObject({ reachable: false, breaker: 'open', last_error: 'upstream_sealed', leases: 1 });
  expect(samples('tallystick_upstream_breaker_open')).toEqual([
    'tallystick_upstream_breaker_open{provider="test-db"} 1',
  ]);
  expect(samples('tallystick_upstream_calls_total').slice(0, 2)).toEqual([
    'tallystick_upstream_calls_total{provider="test-db",operation="mint",outcome="ok"} 1',
    'tallystick_upstream_calls_total{provider="test-db",operation="mint",outcome="upstream_sealed"} 1',
  ]);
});

test('releases are counted by how far they are bound, and how they reach the workload', async () => {
  const { one, samples } = await served();
  await login(one);
  await login(one);
  await one.token();
  expect(samples('tallystick_releases_total')).toEqual([
    'tallystick_releases_total{binding="none",delivery="sealed"} 2',
    'tallystick_releases_total{binding="dpop",delivery="plain"} 1',
  ]);
});

test('"leases list" shows what is out, from whom, bound how, and to how many; "status" shows each upstream', async () => {
  const { one, socket, cli, sidecar } = await served();
  await login(one);
  await login(await holder(socket));
  await one.token();
  const [heads, ...rows] = (await cli('leases', 'list')).trimEnd().split('\n');
  expect(heads!.split(/ {2,}/)).toEqual([
    'lease',
    'identity',
    'credential',
    'provider',
    'type',
    'binding',
    'holders',
    'rotates',
    'expires',
  ]);
  const ids = Array.from(sidecar.table.all(), ({ id }) => id);
  expect(rows.map((row) => row.split(/ {2,}/).slice(0, 7))).toEqual([
    [ids[0], 'spiffe://acme.example/close-batch', 'ledger-db', 'test-db', 'database', 'none', '2 (0 listening)'],
    [ids[1], 'spiffe://acme.example/close-batch', 'ledger-api', 'issuer', 'access-token', 'dpop', '1 (0 listening)'],
  ]);
  expect(await cli('status')).toMatch(/^upstreams\.test-db\.breaker +closed$/m);
});
