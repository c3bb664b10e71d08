import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { vaultRefusal } from '../../../src/providers/vault/refusal.ts';

const errors = (...words: string[]): string => JSON.stringify({ errors: words });

test.each<[string, number, string, string]>([
  ['a sealed Vault', 503, errors('Vault is sealed'), 'upstream_sealed'],
  ['one that was never initialized', 503, errors('Vault is not initialized'), 'upstream_sealed'],
  ['a load balancer without a Vault', 503, '<html>no backend</html>', 'upstream_unavailable'],
  ['a standby that names another node', 307, '', 'upstream_unavailable'],
  ['a standby that is behind', 412, errors('required index state not present'), 'upstream_unavailable'],
  ['an engine whose database is away', 500, errors('failed to connect to host=db user=vault'), 'upstream_failed'],
  ['a quota', 429, errors('rate limit quota exceeded'), 'upstream_rate_limited'],
  ['a policy that lacks the path', 403, errors('1 error occurred:\n\t* permission denied\n\n'), 'upstream_denied'],
  ['a role that does not allow a name', 400, errors('uri_san x is not allowed by this role'), 'upstream_denied'],
  ['a role that is not there', 400, errors('unknown role: ledger-writer'), 'upstream_not_found'],
  ['a lease that has ended', 400, errors('lease not found'), 'upstream_not_found'],
  ['a token that has ended', 400, errors('1 error occurred:\n\t* invalid accessor\n\n'), 'upstream_not_found'],
  ['a path that no engine has', 404, errors('no handler for route "x". route entry not found.'), 'upstream_not_found'],
  ['a path that is not read', 405, errors('1 error occurred:\n\t* unsupported operation\n\n'), 'upstream_not_found'],
  ['no Vault at all', 418, 'teapot', 'upstream_answer_invalid'],
])('%s is told apart, and nothing that was said is repeated', (_what, status, text, code) => {
  const error = vaultRefusal('vault-eu', 'database/creds/x', { status, headers: {}, text }, 0);
  expect(error.code).toBe(code);
  for (const word of ['host=', 'ledger-writer', 'uri_san', 'teapot', 'html']) {
    expect(inspect(error, { showHidden: true })).not.toContain(word);
  }
});

test('errors that are no list of words are read as none', () => {
  for (const text of ['{"errors":{}}', '{"errors":null}', 'null', '[]', '"sealed"', '{']) {
    const { code } = vaultRefusal('vault-eu', 'x', { status: 503, headers: {}, text }, 0);
    expect(code).toBe('upstream_unavailable');
  }
});
