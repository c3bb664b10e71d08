import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { outageBudget } from '../../src/cli/check.ts';
import { EXIT } from '../../src/cli/command.ts';
import { GOOD } from '../config/good-config.ts';
import { runCli } from './run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'tallystick-check-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

// Days are counted from the real clock.
const good = write(
  'good.yaml',
  GOOD.replace('2027-06-30', new Date(Date.now() + 180 * 86_400_000).toISOString().slice(0, 10)),
);

test('a good configuration is summed up: identities, credentials, how long the sidecar may be away, and the registry', async () => {
  const { code, stdout, stderr } = await runCli(['check', '--config', good]);
  expect({ code, stderr }).toEqual({ code: EXIT.ok, stderr: '' });
  expect(stdout).toContain(`${good} is good: 1 identity, 1 credential\n`);
  expect(stdout).toMatch(
    /^spiffe:\/\/acme\.example\/payments\/close-batch {2}team-payments {2}production {3}\S+ {2}ledger-api$/m,
  );
  expect(stdout).toMatch(/^ledger-api +https:\/\/ledger\.acme\.example +15m +7m$/m);
  expect(stdout).toMatch(/^registry [\w-]{43}$/m);
});

test('as JSON it is one value with everything', async () => {
  const { code, stdout } = await runCli(['check', '--config', good, '--json']);
  expect(code).toBe(EXIT.ok);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: true,
    file: good,
    mistakes: [],
    warnings: [],
    identities: [
      { id: 'spiffe://acme.example/payments/close-batch', owner: 'team-payments', entitlements: ['ledger-api'] },
    ],
    credentials: [{ name: 'ledger-api', lifetimeSeconds: 900, outageSeconds: 405 }],
    registry: expect.stringMatching(/^[\w-]{43}$/) as string,
  });
});

test('every mistake is printed as file:line:column with its remedy', async () => {
  const broken = write(
    'broken.yaml',
    GOOD.replace('team-payments', 'jane@acme.example').replace('[ledger-api]', '[leger-api]'),
  );
  const { code, stdout } = await runCli(['check', '--config', broken]);
  expect(code).toBe(EXIT.notOk);
  expect(stdout).toContain(`${broken}:10:12: error: "owner" is not an id of a directory\n    write an id such as`);
  expect(stdout).toContain(
    `${broken}:15:20: error: "entitlements[0]" names a credential that is not there\n    did you mean "ledger-api"?`,
  );
  expect(stdout).toMatch(/ has 2 mistakes\n$/);
  const json = await runCli(['check', '--config', broken, '--json']);
  expect(json.code).toBe(EXIT.notOk);
  expect(JSON.parse(json.stdout)).toMatchObject({
    ok: false,
    mistakes: [
      { line: 10, column: 12, path: 'identities[0].owner' },
      { line: 15, path: 'identities[0].entitlements[0]' },
    ],
  });
});

test('a warning is printed with its line, and the configuration is good all the same', async () => {
  const path = write('warned.yaml', GOOD.replace('2027-06-30', '2026-01-01'));
  const { code, stdout } = await runCli(['check', '--config', path]);
  expect(code).toBe(EXIT.ok);
  expect(stdout).toContain(
    `${path}:13:14: warning: spiffe://acme.example/payments/close-batch has expired: it gets nothing\n`,
  );
});

test('the file is that of TALLYSTICK_CONFIG when none is named, and one that is not there is refused in words', async () => {
  expect(await runCli(['check'], { TALLYSTICK_CONFIG: good })).toMatchObject({ code: EXIT.ok });
  const absent = join(folder, 'absent.yaml');
  expect(await runCli(['check'], { TALLYSTICK_CONFIG: absent })).toMatchObject({
    code: EXIT.notOk,
    stdout: expect.stringContaining(`${absent}: error: the file is not there\n`) as string,
  });
});

test('beyond forty identities the rest is counted', async () => {
  const more = Array.from(
    { length: 60 },
    (_, i) =>
      `  - { id: spiffe://acme.example/s${i}, owner: a, purpose: p, environment: e, expires: 2027-06-30, match: [unix:uid:${i + 1}] }\n`,
  );
  const path = write('many.yaml', GOOD.replace('credentials:', `${more.join('')}credentials:`));
  const { stdout } = await runCli(['check', '--config', path]);
  expect(stdout).toContain('61 identities');
  expect(stdout).toContain('… and 21 more');
});

test('what is left of a token when it is replaced at the latest is how long the sidecar may be away', () => {
  const sidecarMs = (lifetimeMs: number, floorMs = 0): number => outageBudget({ lifetimeMs, floorMs }).sidecarMs;
  // Half of the lifetime and 10 % of that half.
  expect(sidecarMs(900_000)).toBe(405_000);
  expect(sidecarMs(2000)).toBe(900);
  expect(sidecarMs(3_600_000, 2_400_000)).toBe(2_400_000);
});

test('what its upstream extends has less left, and an upstream may be away for that less the wait before it is asked again', () => {
  expect(outageBudget({ lifetimeMs: 3_600_000, floorMs: 0 })).toEqual({ sidecarMs: 1_620_000, upstreamMs: 1_320_000 });
  // Two thirds of the lifetime and 10 % of those.
  expect(outageBudget({ lifetimeMs: 3_600_000, floorMs: 0, isExtended: true })).toEqual({
    sidecarMs: 960_000,
    upstreamMs: 660_000,
  });
  expect(outageBudget({ lifetimeMs: 300_000, floorMs: 0 }).upstreamMs).toBe(0);
});

test('for how long an upstream may be away is printed of credentials that have one', async () => {
  const path = write(
    'upstream.yaml',
    GOOD.replace(
      /(?<=credentials:\n)/,
      '  ledger-db: { provider: vault-eu, path: database/creds/ledger-writer, lifetime: 1h }\n',
    )
      .replace('[ledger-api]', '[ledger-api, ledger-db]')
      .replace(
        'credentials:',
        'providers:\n  vault-eu: { type: vault, address: https://vault.acme.example, auth: { method: approle, roleId: r } }\ncredentials:',
      ),
  );
  const { stdout } = await runCli(['check', '--config', path]);
  expect(stdout).toMatch(/^ledger-db +vault-eu +1h +16m +11m$/m);
  const { stdout: json } = await runCli(['check', '--config', path, '--json']);
  expect(JSON.parse(json)).toMatchObject({
    credentials: [{ name: 'ledger-api' }, { name: 'ledger-db', outageSeconds: 960, upstreamOutageSeconds: 660 }],
  });
});
