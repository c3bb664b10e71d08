import { expect, test } from 'vitest';
import { compareConfigs, restartMistakes, type ConfigChanges } from '../../src/config/changes.ts';
import type { Config } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import { GOOD } from './good-config.ts';

function configOf(text: string): Config {
  const result = parseConfig(text);
  if (!result.ok) throw new Error(JSON.stringify(result.mistakes));
  return result.config;
}

function changesOf(...edits: [string | RegExp, string][]): ConfigChanges {
  return compareConfigs(configOf(GOOD), configOf(edits.reduce((text, [from, to]) => text.replace(from, to), GOOD)));
}

const NONE = { added: [], removed: [], changed: [] };

test('a file that means the same has no changes', () => {
  expect(
    changesOf(
      ['match: [unix:uid:1001]', 'matchAny:\n      - [ "unix:uid:1001" ]'],
      ['version: 1', '# reviewed\nversion: 1'],
    ),
  ).toEqual({
    identities: NONE,
    credentials: NONE,
    providers: NONE,
    settings: [],
    needsRestart: [],
  });
});

test('identities and credentials are named that were added, removed or changed', () => {
  const other =
    '  - { id: spiffe://acme.example/a, owner: a, purpose: p, environment: e, expires: 2027-01-01, match: [unix:uid:9] }\n';
  expect(
    changesOf(['credentials:', `${other}credentials:`], ['scope: journal.write', 'scope: journal.read']),
  ).toMatchObject({
    identities: { ...NONE, added: ['spiffe://acme.example/a'] },
    credentials: { ...NONE, changed: ['ledger-api'] },
  });
  expect(changesOf(['payments/close-batch', 'payments/open-batch']).identities).toEqual({
    added: ['spiffe://acme.example/payments/open-batch'],
    removed: ['spiffe://acme.example/payments/close-batch'],
    changed: [],
  });
  expect(changesOf(['owner: team-payments', 'owner: team-ledger']).identities.changed).toEqual([
    'spiffe://acme.example/payments/close-batch',
  ]);
});

test('settings that take hold at once are named', () => {
  expect(changesOf(['identities:', 'fleet: { size: 3 }\nshutdown: { revoke: never }\nidentities:']).settings).toEqual([
    'fleet.size',
    'shutdown.revoke',
  ]);
});

test.each<[string, string | RegExp, string]>([
  ['trustDomain', /acme\.example/g, 'other.example'],
  ['state', 'tallystick-test', 'tallystick-moved'],
  ['listen.workload', '/run/tallystick/api.sock', '/run/tallystick/app.sock'],
  ['listen.admin', 'admin.sock', 'operators.sock'],
  ['listen.public', 'issuer:', '  public: http://127.0.0.1:8480\nissuer:'],
  ['listen.health', 'issuer:', '  health: http://127.0.0.1:8481\nissuer:'],
  ['issuer', 'https://tallystick.acme.example', 'https://tokens.acme.example'],
  ['federation', 'identities:', 'federation: { url: https://identity.acme.example }\nidentities:'],
  ['sidecar.id', 'identities:', 'sidecar: { id: 01K0000000000000000000000A }\nidentities:'],
])('%s needs a restart, and says so', (name, from, to) => {
  const changes = changesOf([from, to]);
  expect(changes.needsRestart).toContain(name);
  expect(restartMistakes(changes).map(({ message }) => message)).toContain(
    `"${name}" has changed, which needs a restart`,
  );
});
