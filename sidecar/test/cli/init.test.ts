import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EXIT } from '../../src/cli/command.ts';
import { starterConfig, starterPlaces } from '../../src/cli/starter-config.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import { runCli } from './run-cli.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallystick-init-'));
  path = join(folder, 'tallystick.yaml');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('what init writes is good for check', async () => {
  expect(await runCli(['init', '--config', path])).toMatchObject({
    code: EXIT.ok,
    stdout: expect.stringContaining(`wrote ${path}`) as string,
  });
  const { code, stdout } = await runCli(['check', '--config', path]);
  expect(code).toBe(EXIT.ok);
  expect(stdout).toContain('spiffe://example.internal/demo/service');
});

test('the trust domain can be given, and is judged', async () => {
  expect(await runCli(['init', '--config', path, '--trust-domain', 'acme.example', '--json'])).toEqual({
    code: EXIT.ok,
    stdout: `${JSON.stringify({ file: path })}\n`,
    stderr: '',
  });
  expect(readFileSync(path, 'utf8')).toContain('spiffe://acme.example/demo/service');
  expect(await runCli(['init', '--config', join(folder, 'b.yaml'), '--trust-domain', 'spiffe://a'])).toMatchObject({
    code: EXIT.usage,
  });
});

test('a file that is there is never overwritten', async () => {
  writeFileSync(path, 'mine');
  expect(await runCli(['init', '--config', path])).toMatchObject({
    code: EXIT.notOk,
    stderr: expect.stringContaining('is there already') as string,
  });
  expect(readFileSync(path, 'utf8')).toBe('mine');
});

test('a folder that is not there is refused in words', async () => {
  expect(await runCli(['init', '--config', join(folder, 'x/y.yaml')])).toMatchObject({
    code: EXIT.notOk,
    stderr: expect.stringContaining('cannot be written: ENOENT') as string,
  });
});

test('a user gets the folders of a user, and root those of a service', () => {
  const own = { runtimeFolder: '/run/user/1000', stateFolder: '/home/a/.local/state' };
  const configFor = (
    uid: number,
    environment: { runtimeFolder: string | undefined; stateFolder: string | undefined },
  ) => {
    const result = parseConfig(
      starterConfig({
        trustDomain: 'acme.example',
        places: starterPlaces(environment, uid),
        uid,
        nowMs: Date.parse('2026-11-22'),
      }),
    );
    if (!result.ok) throw new Error(JSON.stringify(result.mistakes));
    return result.config;
  };
  expect(configFor(1000, own)).toMatchObject({
    state: { keys: '/home/a/.local/state/tallystick/keys' },
    listen: {
      workload: [{ path: '/run/user/1000/tallystick/api.sock' }],
      admin: '/run/user/1000/tallystick-admin/admin.sock',
    },
    identities: [{ match: [['unix:uid:1000']], expires: '2027-05-23' }],
  });
  const service = {
    state: { keys: '/var/lib/tallystick/keys' },
    listen: { admin: '/run/tallystick-admin/admin.sock' },
  };
  expect(configFor(0, own)).toMatchObject(service);
  expect(configFor(1000, { runtimeFolder: undefined, stateFolder: undefined })).toMatchObject(service);
});

test('a user without a folder for sockets gets them beside the state, and services are told where', () => {
  const home = { runtimeFolder: undefined, stateFolder: '/home/a/.local/state' };
  expect(starterPlaces(home, 1000)).toEqual({
    state: '/home/a/.local/state/tallystick',
    workload: '/home/a/.local/state/tallystick-run/api.sock',
    admin: '/home/a/.local/state/tallystick-admin/admin.sock',
    expected: false,
  });
  expect(starterPlaces(home, 0).expected).toBe(true);
});
