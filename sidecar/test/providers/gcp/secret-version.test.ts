import { expect, test } from 'vitest';
import { accessSecret } from '../../../src/providers/gcp/secret-version.ts';

const read = (version: string) =>
  accessSecret(
    {
      name: 'gcp',
      secretManager: 'https://secretmanager.googleapis.com',
      nowMs: () => 0,
      http: {
        send: async () => ({
          status: 200,
          headers: {},
          text: JSON.stringify({ name: 'projects/1/secrets/ledger-key/versions/4', payload: { data: 'eA==' } }),
        }),
      },
    },
    {
      secret: 'projects/acme-prod/secrets/ledger-key',
      version,
      format: 'text',
      token: 'token',
      reason: 'test',
      principal: 'principal',
      signal: new AbortController().signal,
    },
  );

test('another version than the one that is numbered is no answer; an alias may stand for any', async () => {
  for (const version of ['4', 'latest', 'stable']) expect(await read(version)).toMatchObject({ version: '4' });
  await expect(read('3')).rejects.toMatchObject({ code: 'upstream_answer_invalid' });
});
