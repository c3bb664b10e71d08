import { expect, test } from 'vitest';
import { describeOnline, isGood, type OnlineReport } from '../../src/cli/check-online.ts';

const report = (members: Partial<OnlineReport> = {}): OnlineReport => ({
  upstreams: [
    {
      credential: 'ledger-db',
      provider: 'vault-eu',
      findings: [{ ok: true, what: 'login', message: 'as close-batch' }],
    },
  ],
  runsAnother: false,
  waysRound: [],
  ...members,
});

test('what is missing upstream stands with what to paste there, and is no good', () => {
  const remedy = 'path "database/creds/ledger-writer" {\n  capabilities = ["read"]\n}';
  const missing = report({
    upstreams: [
      {
        credential: 'ledger-db',
        provider: 'vault-eu',
        findings: [{ ok: false, what: 'policy', message: 'it may not read database/creds/ledger-writer', remedy }],
      },
    ],
  });
  expect([isGood(report()), isGood(missing)]).toEqual([true, false]);
  expect(describeOnline(missing).join('\n')).toContain(
    [
      'ledger-db (vault-eu)',
      '  missing policy: it may not read database/creds/ledger-writer',
      '          path "database/creds/ledger-writer" {',
      '            capabilities = ["read"]',
      '          }',
    ].join('\n'),
  );
});

test('ways round the sidecar are said, and do not make a configuration bad', () => {
  const roundabout = report({ waysRound: [{ name: 'VAULT_TOKEN', remedy: 'take it out' }] });
  expect(isGood(roundabout)).toBe(true);
  expect(describeOnline(roundabout).join('\n')).toContain('round the sidecar:\n  VAULT_TOKEN\n          take it out');
  expect(describeOnline(report()).join('\n')).toContain('nothing here gets credentials round the sidecar');
});

test('a sidecar that runs by another configuration than the file says so', () => {
  expect(describeOnline(report({ runsAnother: true }))[0]).toContain('another configuration');
});
