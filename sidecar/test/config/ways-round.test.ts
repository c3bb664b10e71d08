import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readEnvironment } from '../../src/config/environment.ts';
import { waysRound } from '../../src/config/ways-round.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';

const named = async (variables: Record<string, string>) =>
  (await waysRound(readEnvironment(variables, '/')))
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('/var/'));

test('variables and files of a user that give credentials are named, never what is in them', async () => {
  const home = temporaryFolder();
  mkdirSync(join(home, '.aws'));
  writeFileSync(join(home, '.aws/credentials'), 'canary-1');
  writeFileSync(join(home, '.vault-token'), 'canary-2');
  const variables = { AWS_ACCESS_KEY_ID: 'canary-3', VAULT_TOKEN: 'canary-4', PGPASSWORD: '', HOME: home };
  expect(await named(variables)).toEqual([
    'AWS_ACCESS_KEY_ID',
    'VAULT_TOKEN',
    join(home, '.aws/credentials'),
    join(home, '.vault-token'),
  ]);
  expect(JSON.stringify(await named(variables))).not.toContain('canary');
});

test('where there are none, none are named', async () => {
  expect(await named({ PATH: '/bin', HOME: temporaryFolder() })).toEqual([]);
});
