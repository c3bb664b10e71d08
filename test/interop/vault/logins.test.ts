import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { describeWithServers } from '../../servers/require-server.ts';
import { API_KEY, startFurnishedVault, vaultSettings, type FurnishedVault } from './furnished-vault.ts';
import { openAt, type OpenedVault } from './opened-vault.ts';

const SECRET = 'secret/ledger/api';

describeWithServers(['vault', 'postgres', 'openssl'], 'how the sidecar signs in at Vault', () => {
  let folder: string;
  let vault: FurnishedVault;
  let server: { readonly certificate: string; readonly key: string };
  let provider: OpenedVault | undefined;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tallystick-vault-logins-'));
    server = selfSigned('vault');
    vault = await startFurnishedVault({ tls: server, unixSocket: join(folder, 'vault.sock') });
  });
  afterAll(async () => {
    await vault.stop();
    await rm(folder, { recursive: true });
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await provider?.close();
  });

  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  /** Opens it, and reads a secret by it. */
  const read = async (settings: object, url = vault.url): Promise<string> => {
    provider = await openAt(vault, vaultSettings(url, settings));
    const { material } = await provider.take(SECRET);
    return 'values' in material ? material.values.key! : '';
  };
  const refused = { code: 'upstream_login_refused' };

  test('by a JWT of its federation, over a Unix socket', async () => {
    expect(await read({}, `unix://${join(folder, 'vault.sock')}`)).toBe(API_KEY);
  });

  test('by a JWT for another audience, it is refused, in words that repeat nothing of it', async () => {
    await expect(read({ auth: { method: 'jwt', role: 'tallystick', audience: 'other' } })).rejects.toMatchObject(
      refused,
    );
  });

  test('over TLS, by the authority of the file alone', async () => {
    const tls = { ca: await file('ca.pem', server.certificate) };
    expect(await read({ tls }, vault.tlsUrl)).toBe(API_KEY);
    await provider!.close();
    await expect(read({}, vault.tlsUrl)).rejects.toMatchObject({ code: 'upstream_unavailable' });
  });

  test('by its own certificate, and by the next one in its place', async () => {
    const [one, other] = [selfSigned('one'), selfSigned('other')];
    await vault.call('POST', 'sys/auth/cert', { type: 'cert' });
    for (const [name, { certificate }] of Object.entries({ one, other })) {
      await vault.call('POST', `auth/cert/certs/${name}`, {
        certificate,
        token_policies: ['tallystick'],
        token_ttl: '1h',
      });
    }
    const tls = {
      ca: await file('ca.pem', server.certificate),
      certificate: await file('own.pem', one.certificate),
      key: await file('own.key', one.key),
    };
    expect(await read({ tls, auth: { method: 'cert' } }, vault.tlsUrl)).toBe(API_KEY);
    await Promise.all([file('own.pem', other.certificate), file('own.key', other.key)]);
    await vault.call('DELETE', 'auth/cert/certs/one');
    await vault.call('PUT', 'sys/leases/revoke-prefix/auth/cert');
    await expect(provider!.take(SECRET)).resolves.toBeDefined();
  });

  test('by approle, its secret id from a file that is read at each login', async () => {
    await vault.call('POST', 'sys/auth/approle', { type: 'approle' });
    await vault.call('POST', 'auth/approle/role/tallystick', { token_policies: ['tallystick'], token_ttl: '1h' });
    const { data } = await vault.call<{ data: { role_id: string } }>('GET', 'auth/approle/role/tallystick/role-id');
    const secretId = await vault.call<{ data: { secret_id: string } }>(
      'POST',
      'auth/approle/role/tallystick/secret-id',
    );
    const secretIdFile = await file('secret-id', 'an old one');
    const auth = { method: 'approle', roleId: data.role_id, secretIdFile };
    await expect(read({ auth })).rejects.toMatchObject(refused);
    await writeFile(secretIdFile, `${secretId.data.secret_id}\n`);
    await expect(provider!.take(SECRET)).resolves.toBeDefined();
  });

  test('by a token from a file, which others replace', async () => {
    const made = (): Promise<{ auth: { client_token: string } }> =>
      vault.call('POST', 'auth/token/create', { policies: ['tallystick'], ttl: '1h' });
    const first = (await made()).auth.client_token;
    const tokenFile = await file('token', first);
    expect(await read({ auth: { method: 'token', tokenFile } })).toBe(API_KEY);
    await writeFile(tokenFile, (await made()).auth.client_token);
    await vault.call('POST', 'auth/token/revoke', { token: first });
    await expect(provider!.take(SECRET)).resolves.toBeDefined();
  });

  test('by a file that is not there or empty, it is refused with the name of its key', async () => {
    const none = { method: 'token', tokenFile: join(folder, 'none') };
    await expect(read({ auth: none })).rejects.toMatchObject({
      ...refused,
      description: '"auth.tokenFile" of "upstream" names a file that is not there',
    });
    const empty = { method: 'token', tokenFile: await file('empty', '\n') };
    await expect(read({ auth: empty })).rejects.toMatchObject(refused);
  });

  test('a batch token, by which no other can be made, is refused with what to change', async () => {
    const given = await vault.call<{ data: object }>('GET', 'auth/jwt/role/tallystick');
    await vault.call('POST', 'auth/jwt/role/batch', { ...given.data, token_type: 'batch' });
    const auth = { method: 'jwt', role: 'batch', audience: 'https://vault.acme.example' };
    await expect(read({ auth })).rejects.toMatchObject({
      ...refused,
      remedy: expect.stringContaining('service') as string,
    });
  });

  test('what the environment says to other clients of Vault is not listened to', async () => {
    vi.stubEnv('VAULT_ADDR', 'http://127.0.0.1:1');
    vi.stubEnv('VAULT_TOKEN', vault.rootToken);
    vi.stubEnv('VAULT_NAMESPACE', 'elsewhere');
    vi.stubEnv('VAULT_PREFIX', '/elsewhere');
    expect(await read({})).toBe(API_KEY);
    const denied = vault.under('path "auth/token/create" { capabilities = ["update"] }', () => provider!.take(SECRET));
    await expect(denied).rejects.toMatchObject({ code: 'upstream_denied' });
  });
});

/** A certificate for 127.0.0.1 that vouches for itself. */
function selfSigned(name: string): { readonly certificate: string; readonly key: string } {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-keyout', '-'];
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  const pem = execFileSync('openssl', ['req', '-x509', ...key, ...subject], { encoding: 'utf8', stdio: 'pipe' });
  const at = pem.indexOf('-----BEGIN CERTIFICATE');
  return { certificate: pem.slice(at), key: pem.slice(0, at) };
}
