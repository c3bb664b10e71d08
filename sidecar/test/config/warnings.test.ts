import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/parse-config.ts';
import type { Caution, FileOwner, WarningInput } from '../../src/config/warning.ts';
import { cautionsOf } from '../../src/config/warnings.ts';
import { GOOD } from './good-config.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');

function cautions(text: string, facts: Partial<WarningInput> = {}): readonly Caution[] {
  const result = parseConfig(text);
  if (!result.ok) throw new Error(JSON.stringify(result.mistakes));
  return cautionsOf({
    config: result.config,
    at: ({ id }) => ['identities', result.identityIndex.get(id)!],
    nowMs: NOW,
    sidecarUid: undefined,
    file: undefined,
    folders: new Map(),
    recordInMemory: false,
    ...facts,
  });
}

const codes = (text: string, facts?: Partial<WarningInput>): readonly string[] =>
  cautions(text, facts).map(({ code }) => code);

/** Adds an identity with this match. */
function withIdentity(match: string, text = GOOD, name = 'other'): string {
  return text.replace(
    'credentials:',
    `  - { id: spiffe://acme.example/${name}, owner: team-a, purpose: p, environment: e, expires: 2027-06-30, ${match} }\ncredentials:`,
  );
}

test('a good configuration has no warning', () => {
  expect(cautions(GOOD)).toEqual([]);
});

test('an identity is good through its last day, and warned of 30 days before', () => {
  const expires = (day: string): readonly string[] => codes(GOOD.replace('2027-06-30', day));
  expect(expires('2026-11-21')).toEqual(['identity_expired']);
  expect(expires('2026-11-22')).toEqual(['identity_expires_soon']);
  expect(expires('2026-12-21')).toEqual(['identity_expires_soon']);
  expect(expires('2026-12-23')).toEqual([]);
  expect(expires('2028-11-20')).toEqual([]);
  expect(expires('2028-11-22')).toEqual(['identity_expires_late']);
});

test('a file without an identity refuses everybody, and its credentials are unused', () => {
  const text = GOOD.replace(/identities:[^]*credentials:/, 'credentials:');
  expect(codes(text)).toEqual(['no_identity', 'credential_unused']);
});

test.each([
  ['the same match', 'match: [unix:uid:1001]'],
  ['the same uid, and a socket that the other does not ask for', 'match: [tallystick:socket:default, unix:uid:1001]'],
  ['the same uid, and Node as its executable', 'match: [unix:uid:1001, unix:path:/usr/bin/node]'],
  ['one alternative of the same uid', 'matchAny: [[unix:uid:5], [unix:uid:1001, unix:gid:7]]'],
])('two identities with %s are not told apart, whichever comes first', (_, match) => {
  for (const name of ['other', 'very-last']) {
    const found = cautions(withIdentity(match, GOOD, name)).filter(({ code }) => code === 'match_shared');
    expect(found).toHaveLength(1);
    expect(found[0]!.message).toContain(`spiffe://acme.example/${name}`);
    expect(found[0]!.message).toContain('spiffe://acme.example/payments/close-batch');
  }
});

test.each([
  ['another uid', '[unix:uid:1001]', '[unix:uid:1002]'],
  ['another socket', '[unix:uid:1001, tallystick:socket:a]', '[unix:uid:1001, tallystick:socket:b]'],
  ['another group', '[unix:uid:1001, unix:gid:1]', '[unix:uid:1001, unix:gid:2]'],
  ['another uid on one socket', '[unix:uid:1001, tallystick:socket:a]', '[unix:uid:1002, tallystick:socket:a]'],
])('two identities with %s are', (_, one, other) => {
  const sockets = GOOD.replace(
    'unix:///run/tallystick/api.sock',
    '[{ name: a, path: /run/tallystick/a/api.sock }, { name: b, path: /run/tallystick/b/api.sock }]',
  );
  expect(codes(withIdentity(`match: ${other}`, sockets.replace('[unix:uid:1001]', one)))).toEqual([]);
});

test('an identity on a socket alone shares it with those that ask for a uid on it too', () => {
  const text = GOOD.replace('[unix:uid:1001]', '[unix:uid:1001, tallystick:socket:default]');
  expect(codes(withIdentity('match: [tallystick:socket:default]', text))).toEqual(['match_shared']);
});

test('the path of an executable says nothing, unless a uid or a socket stands with it', () => {
  expect(codes(GOOD.replace('unix:uid:1001', 'unix:path:/usr/local/bin/node'))).toEqual(['match_interpreter']);
  expect(codes(GOOD.replace('unix:uid:1001', 'unix:gid:1, unix:path:/usr/bin/node'))).toEqual(['match_interpreter']);
  expect(codes(GOOD.replace('unix:uid:1001', 'unix:path:/opt/pay/bin/close-batch'))).toEqual(['match_path_alone']);
  expect(codes(GOOD.replace('unix:uid:1001', 'unix:gid:1, unix:path:/opt/pay/bin/close-batch'))).toEqual([]);
  expect(codes(GOOD.replace('unix:uid:1001', 'unix:path:/usr/bin/node, unix:uid:1001'))).toEqual([]);
});

test('the uid that stands for every user without a number is warned of, unless a socket stands with it', () => {
  const uid = (match: string): readonly string[] => codes(GOOD.replace('unix:uid:1001', match));
  expect(uid('unix:uid:65534')).toEqual(['match_overflow_uid']);
  expect(uid('unix:uid:65534, unix:path:/usr/bin/node')).toEqual(['match_overflow_uid']);
  expect(uid('unix:uid:65534, tallystick:socket:default')).toEqual([]);
  expect(uid('unix:uid:65533')).toEqual([]);
});

test('two workload sockets in one folder, or one below the other, are handed out together', () => {
  const sockets = (a: string, b: string): readonly string[] =>
    codes(GOOD.replace('unix:///run/tallystick/api.sock', `[{ name: a, path: ${a} }, { name: b, path: ${b} }]`));
  expect(sockets('/run/t/a.sock', '/run/t/b.sock')).toEqual(['socket_folder_shared']);
  expect(sockets('/run/t/a.sock', '/run/t/b/b.sock')).toEqual(['socket_folder_shared']);
  expect(sockets('/run/t/a/a.sock', '/run/t/a.sock')).toEqual(['socket_folder_shared']);
  expect(sockets('/run/t/a/a.sock', '/run/t/ab/b.sock')).toEqual([]);
});

test('a credential nobody has, that may go nowhere, or that ends within a minute is warned of', () => {
  expect(codes(GOOD.replace('entitlements: [ledger-api]', 'entitlements: []'))).toEqual(['credential_unused']);
  expect(codes(GOOD.replace('    use: [https://ledger.acme.example/]\n', ''))).toEqual(['credential_without_use']);
  expect(codes(GOOD.replace('    use:', '    lifetime: 59s\n    use:'))).toEqual(['lifetime_short']);
  expect(codes(GOOD.replace('    use:', '    lifetime: 1m\n    use:'))).toEqual([]);
});

test('what is no token goes nowhere by itself, and no "use" prefix is missed there', () => {
  const withSecret = GOOD.replace('[ledger-api]', '[ledger-api, key]').concat(
    'providers: { aws-eu: { type: aws, region: eu-central-1, auth: { method: file, path: /etc/aws } } }\n',
  );
  expect(codes(withSecret.replace(/^credentials:\n/m, '$&  key: { provider: aws-eu, secret: prod/key }\n'))).toEqual(
    [],
  );
});

test('metrics that the network reaches are warned of', () => {
  const health = (value: string): readonly string[] => codes(GOOD.replace('issuer:', `  health: ${value}\nissuer:`));
  expect(health('http://0.0.0.0:8481')).toEqual(['health_exposed']);
  expect(health('http://[::1]:8481')).toEqual([]);
  expect(health('{ url: "https://0.0.0.0:8481", certificate: /a, key: /b }')).toEqual([]);
});

test("a workload that can read the keys is warned of: by owner, group, mode, the sidecar's own uid, or as root", () => {
  const keys = '/var/lib/tallystick-test-that-is-not-there/keys';
  const owned = (owner: FileOwner): Partial<WarningInput> => ({ folders: new Map([[keys, owner]]) });
  expect(codes(GOOD, owned({ uid: 1001, gid: 1, mode: 0o40700 }))).toEqual(['state_readable']);
  expect(codes(GOOD, owned({ uid: 10, gid: 1, mode: 0o40700 }))).toEqual([]);
  expect(codes(GOOD, owned({ uid: 10, gid: 1, mode: 0o40755 }))).toEqual(['state_readable']);
  const group = GOOD.replace('unix:uid:1001', 'unix:gid:7');
  expect(codes(group, owned({ uid: 10, gid: 7, mode: 0o40750 }))).toEqual(['state_readable']);
  expect(codes(group, owned({ uid: 10, gid: 7, mode: 0o40700 }))).toEqual([]);
  expect(codes(GOOD, { sidecarUid: 1001 })).toEqual(['state_readable']);
  expect(codes(GOOD, { sidecarUid: 10 })).toEqual([]);
  expect(codes(GOOD.replace('uid:1001', 'uid:0'))).toEqual(['state_readable']);
});

test('a configuration that a workload can write is warned of', () => {
  expect(codes(GOOD, { file: { uid: 1001, gid: 0, mode: 0o100644 } })).toEqual(['file_writable']);
  expect(codes(GOOD, { file: { uid: 0, gid: 0, mode: 0o100666 } })).toEqual(['file_writable']);
  expect(codes(GOOD, { file: { uid: 0, gid: 0, mode: 0o100664 } })).toEqual([]);
});

test('a thousand services on one socket are told apart by their uids without comparing each with each', () => {
  const identities = Array.from(
    { length: 1000 },
    (_, i) =>
      `  - { id: spiffe://acme.example/s-${i}, owner: team-a, purpose: p, environment: e, expires: 2027-06-30, match: [unix:uid:${i + 1}, tallystick:socket:default], entitlements: [ledger-api] }\n`,
  ).join('');
  expect(codes(GOOD.replace(/identities:[^]*credentials:/, `identities:\n${identities}credentials:`))).toEqual([]);
});
