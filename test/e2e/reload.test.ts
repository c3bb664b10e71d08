// The configuration of a daemon changes while a service calls its API: by an editor, a ConfigMap, a mistake, a signal.
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type Identity } from '@tallystick/sdk';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commandJson } from '../daemon/command.ts';
import { ISSUER, SERVICE, startDaemon, type Daemon } from '../daemon/daemon.ts';
import { startLedger, type Ledger } from '../daemon/ledger.ts';
import { socketClient } from '../daemon/socket-client.ts';
import { startTraffic, type Traffic } from '../daemon/traffic.ts';
import { readRecords } from '../faults/record-files.ts';

const LOADED = 'configuration loaded';
const REFUSED = 'the new configuration is refused; the last good one stays';

let ledger: Ledger;
let daemon: Daemon;
let identity: Identity;
let traffic: Traffic;

beforeEach(async () => {
  ledger = await startLedger();
  daemon = await startDaemon({ use: ledger.url });
  ledger.trust({ issuer: ISSUER, jwks: `${daemon.publicUrl}/jwks`, subjects: [SERVICE] });
  identity = await connect({ socket: daemon.socket });
  traffic = startTraffic(identity, ledger.url);
  await traffic.more(1);
});

afterEach(async () => {
  await traffic.stop();
  await identity.close();
  await daemon[Symbol.asyncDispose]();
  await ledger[Symbol.asyncDispose]();
});

/** Writes the file with `from` replaced, and resolves with what the daemon then logs. */
async function edit(from: string | RegExp, to: string, message: string): Promise<Record<string, unknown>> {
  const told = daemon.nextLogged(message);
  writeFileSync(daemon.config, readFileSync(daemon.config, 'utf8').replace(from, to));
  return told;
}

test('an entitlement that is taken away stops the calls, with the remedy; given back, they go on', async () => {
  const loaded = await edit('entitlements: [ledger-api]', 'entitlements: []', LOADED);
  expect(loaded).toMatchObject({ identities: 1, identities_changed: 1 });
  expect(await traffic.nextFailure()).toMatchObject({
    // By the SDK, which was told, or by the sidecar, which was asked before.
    code: expect.stringMatching(/^(url_not_covered|not_entitled)$/) as string,
    remedy: expect.stringMatching(/^add .* identity$/) as string,
  });
  await edit('entitlements: []', 'entitlements: [ledger-api]', LOADED);
  await traffic.more(3);
});

test('an identity whose last day is over loses everything, until its owner extends it', async () => {
  const [expires] = /expires: \S+/.exec(readFileSync(daemon.config, 'utf8'))!;
  await edit(expires, 'expires: 2026-01-31', LOADED);
  expect(await traffic.nextFailure()).toMatchObject({
    code: 'identity_expired',
    remedy: expect.stringContaining('extend "expires"') as string,
  });
  expect((await commandJson(daemon, 'identities', 'list')).value).toMatchObject({ identities: [{ state: 'expired' }] });
  await edit('expires: 2026-01-31', expires, LOADED);
  await traffic.more(3);
});

test('a ConfigMap that swaps its ..data link is followed', async () => {
  const text = readFileSync(daemon.config, 'utf8');
  const swap = (version: string, content: string): void => {
    mkdirSync(join(daemon.folder, version));
    writeFileSync(join(daemon.folder, version, 'tallystick.yaml'), content);
    symlinkSync(version, join(daemon.folder, '..data_tmp'));
    renameSync(join(daemon.folder, '..data_tmp'), join(daemon.folder, '..data'));
  };
  swap('..2026_1', text);
  symlinkSync('..data/tallystick.yaml', join(daemon.folder, 'link'));
  renameSync(join(daemon.folder, 'link'), daemon.config);
  for (const [version, purpose] of [
    ['..2026_2', 'one'],
    ['..2026_3', 'two'],
  ] as const) {
    const loaded = daemon.nextLogged(LOADED);
    swap(version, text.replace(/purpose: .*/, `purpose: ${purpose}`));
    expect(await loaded).toMatchObject({ identities_changed: 1 });
  }
  expect(traffic.failures).toEqual([]);
});

test(
  'a broken file is refused by its line; the last good one stays, over kill -9 and a restart, until it is repaired',
  { timeout: 60_000 },
  async () => {
    const mistake = {
      level: 'error',
      line: expect.any(Number) as number,
      remedy: expect.stringContaining('never') as string,
    };
    await edit('lifetime: 15m', 'lifetime: 900', REFUSED);
    const line =
      readFileSync(daemon.config, 'utf8')
        .split('\n')
        .findIndex((text) => text.includes('lifetime: 900')) + 1;
    await expect.poll(() => daemon.log.find((each) => each.line === line)).toMatchObject(mistake);
    await traffic.more(3);
    expect((await commandJson(daemon, 'check')).status).toBe(1);

    await daemon.kill('SIGKILL');
    daemon = await daemon.again({ keepConfig: true });
    expect(await daemon.logged('the configuration is broken; the last good one is used')).toMatchObject({
      mistakes: 1,
      until: expect.stringMatching(/^20.*Z$/) as string,
    });
    await expect.poll(() => daemon.log.find((each) => each.line === line)).toMatchObject(mistake);
    // It may also be asked, though its file is broken.
    const inForce = async (): Promise<unknown[]> => {
      const { status, value } = await commandJson(daemon, 'status');
      const metrics = await (await fetch(`${daemon.healthUrl}/metrics`)).text();
      return [status, value.config_in_force, /^tallystick_config_in_force (.*)$/m.exec(metrics)?.[1]];
    };
    expect(await inForce()).toEqual([0, false, '0']);
    expect((await (await socketClient(daemon.socket)).token()).status).toBe(200);

    expect(await edit('lifetime: 900', 'lifetime: 20m', LOADED)).toMatchObject({
      identities_changed: 0,
      credentials_changed: 1,
      sha256: hash('sha256', readFileSync(daemon.config), 'base64url'),
    });
    expect(await inForce()).toEqual([0, true, '1']);
    await traffic.more(3);
    expect(traffic.failures).toEqual([]);
    const configs = (): unknown[] =>
      readRecords(daemon.folder)
        .filter(({ type }) => type.startsWith('config.'))
        .map(({ type, body }) => [type, body.source]);
    await expect.poll(configs).toEqual([
      ['config.loaded', 'file'],
      ['config.refused', undefined],
      ['config.loaded', 'last-good'],
      ['config.loaded', 'file'],
    ]);
    const { sha256 } = readRecords(daemon.folder).findLast(({ type }) => type === 'config.loaded')!.body;
    expect(sha256).toBe(hash('sha256', readFileSync(daemon.config), 'base64url'));
  },
);

test('a change that needs a restart is refused whole, and a restart takes it', { timeout: 60_000 }, async () => {
  const text = readFileSync(daemon.config, 'utf8');
  const moved = text
    .replace('run/app/api.sock', 'run/moved/api.sock')
    .replace('entitlements: [ledger-api]', 'entitlements: []');
  const refused = daemon.nextLogged(REFUSED);
  writeFileSync(daemon.config, moved);
  await refused;
  expect(await daemon.logged('"listen.workload" has changed, which needs a restart')).toMatchObject({
    level: 'error',
    remedy: expect.stringContaining('nothing of the new file is used') as string,
  });
  await traffic.more(3);
  expect(traffic.failures).toEqual([]);
  await daemon.kill('SIGTERM');
  daemon = await daemon.again({ keepConfig: true });
  expect(existsSync(daemon.socket)).toBe(false);
  const client = await socketClient(daemon.socketNamed('moved'));
  expect((await client.send('GET', '/v1/identity')).json()).toMatchObject({ id: SERVICE, credentials: [] });
});

test('SIGHUP reads a file whose change no watch can see', async () => {
  const real = join(daemon.folder, 'elsewhere.d', 'real.yaml');
  const text = readFileSync(daemon.config, 'utf8');
  const write = (purpose: string): void => writeFileSync(real, text.replace(/purpose: .*/, `purpose: ${purpose}`));
  mkdirSync(join(real, '..'));
  write('one');
  symlinkSync(real, join(daemon.folder, 'link'));
  const linked = daemon.nextLogged(LOADED);
  renameSync(join(daemon.folder, 'link'), daemon.config);
  await linked;

  write('two');
  const loaded = daemon.nextLogged(LOADED);
  process.kill(daemon.pid, 'SIGHUP');
  expect(await loaded).toMatchObject({ identities_changed: 1 });
  await traffic.more(1);
  expect(traffic.failures).toEqual([]);
});
