import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('API 1.9 without an SDK, and then with the SDK 2.0, do what the newest do, but for events', () => {
  const folder = join(import.meta.dirname, 'old-open-telemetry');
  const output = execFileSync(
    process.execPath,
    ['--conditions=@tallystick/source', '--import', join(folder, 'resolve.ts'), join(folder, 'program.ts')],
    { encoding: 'utf8' },
  );
  const identity = {
    'tallystick.identity.id': 'spiffe://acme.example/x',
    'tallystick.identity.trust_domain': 'acme.example',
    'tallystick.identity.owner.id': 'team-x',
    'tallystick.identity.owner.kind': 'team',
    'tallystick.identity.environment': 'test',
  };
  expect(JSON.parse(output)).toEqual({
    hasLogs: false,
    withoutSdk: { process: { id: 'BP-1042', runId: 'r-77' } },
    spans: [
      { name: 'GET', attributes: { 'url.query': '?code=REDACTED', ...identity } },
      {
        name: 'get_credential access-token',
        attributes: {
          ...identity,
          'tallystick.business_process.id': 'BP-1042',
          'tallystick.business_process.run.id': 'r-77',
          'tallystick.lease.id': 'ls_1',
        },
      },
    ],
  });
});
