import { expect, test } from 'vitest';
import type { Fault } from '../../../src/config/fault.ts';
import { vaultKind } from '../../../src/providers/vault.ts';

const JWT = { method: 'jwt', role: 'tallystick' };
const SETTINGS = { type: 'vault', address: 'https://vault.acme.example:8200', auth: JWT };
const LOGIN = { provider: 'vault-eu', path: 'database/creds/ledger-writer' };

/** Returns what is wrong with a provider and a credential of it. */
function mistakes(settings: object, credential: object): string[] {
  const faults: Fault[] = [];
  const report = (fault: Fault): void => void faults.push(fault);
  const read = vaultKind.settings.read({ ...SETTINGS, ...settings }, ['vault-eu'], report);
  const wanted = vaultKind.credential.read({ ...LOGIN, ...credential }, ['ledger-db'], report);
  if (faults.length === 0) vaultKind.judge!(wanted as never, read as never, ['ledger-db'], report);
  return faults.map(({ message }) => message);
}

test.each<[string, object, object]>([
  ['a login of a database', {}, {}],
  ['an engine under another name', {}, { path: 'team-a/creds/x', engine: 'database' }],
  ['a version of a secret', {}, { path: 'secret/ledger/api', version: 3, fields: ['key'] }],
  ['a Unix socket', { address: 'unix:///run/vault/agent.sock', auth: { method: 'token', tokenFile: '/run/t' } }, {}],
  ['loopback without TLS', { address: 'http://127.0.0.1:8200' }, {}],
  ['approle', { auth: { method: 'approle', roleId: 'a', secretIdFile: '/run/secret-id' } }, {}],
  ['kubernetes', { auth: { method: 'kubernetes', role: 'tallystick', mount: 'k8s/eu' } }, {}],
  ['a certificate', { auth: { method: 'cert' }, tls: { certificate: '/run/a.pem', key: '/run/k.pem' } }, {}],
])('%s is configured without a mistake', (_what, settings, credential) => {
  expect(mistakes(settings, credential)).toEqual([]);
});

test.each<[object, object, string]>([
  [
    { address: 'http://vault.acme.example' },
    {},
    '"address" is not the address of a Vault: plain http is for loopback alone',
  ],
  [{ address: 'https://vault.acme.example/v1' }, {}, '"address" is not the address of a Vault'],
  [{ auth: { method: 'jwt' } }, {}, '"auth" lacks "role"'],
  [{ auth: { method: 'approle' } }, {}, '"auth" lacks "roleId"'],
  [{ auth: { method: 'token' } }, {}, '"auth" lacks "tokenFile"'],
  [{ auth: { ...JWT, roleId: 'a' } }, {}, '"roleId" is not read by method jwt'],
  [{ auth: { method: 'cert' } }, {}, '"vault-eu" lacks "tls.certificate"'],
  [{ tls: { certificate: '/run/a.pem' } }, {}, '"tls" has one of "certificate" and "key"'],
  [{ address: 'http://127.0.0.1:8200', tls: { ca: '/run/ca.pem' } }, {}, '"tls" is of an address without TLS'],
  [{}, { path: 'team-a/creds/x' }, '"ledger-db" lacks "engine"'],
  [{}, { path: 'database/creds/x', version: 1 }, '"version" is not for the engine database'],
  [{}, { path: 'kv/x', principals: ['deploy'] }, '"principals" is not for the engine kv'],
  [{}, { path: '/database/creds/x' }, '"path" is not a path of Vault'],
  [{}, { path: 'database/../sys/seal' }, '"path" is not a path of Vault: it has a "." or ".." in it'],
  [{}, { path: 'database/creds/x?list=true' }, '"path" is not a path of Vault'],
])('of %j and %j it is said: %s', (settings, credential, message) => {
  expect(mistakes(settings, credential)).toEqual([message]);
});

test.each([
  ['secret/a', 'secret', 'none', 'shared'],
  ['database/creds/a', 'database', 'none', 'shared'],
  ['pki/sign/a', 'x509', 'mtls', 'own'],
  ['aws/sts/a', 'aws', 'sigv4', 'shared'],
  ['gcp/roleset/a/token', 'gcp', 'none', 'shared'],
])('%s is a credential of type %s, bound by %s, %s', (path, type, binding, holders) => {
  expect(vaultKind.describe({ path } as never, SETTINGS as never)).toMatchObject({ type, binding, holders });
});

test('only the login by a JWT needs the federation', () => {
  expect(vaultKind.needsFederation!({ auth: { method: 'jwt' } } as never)).toBe(true);
  expect(vaultKind.needsFederation!({ auth: { method: 'approle' } } as never)).toBe(false);
});
