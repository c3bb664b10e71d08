import { TallystickError } from '@tallystick/core';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Made, Provider } from '../../../sidecar/src/providers/provider.ts';
import { startFaultProxy } from '../../../sidecar/test/providers/fault-proxy.ts';
import { manualTime } from '../../../sidecar/test/manual-time.ts';
import { describeWithServers } from '../../servers/require-server.ts';
import { startFurnishedVault, vaultSettings, type FurnishedVault } from './furnished-vault.ts';
import { openAt, orderOf, wantedOf, type OpenedVault } from './opened-vault.ts';

const LOGIN = 'database/creds/ledger-writer';

describeWithServers(['vault', 'postgres'], 'a Vault in bad weather', () => {
  let vault: FurnishedVault;
  const opened: Provider[] = [];
  beforeAll(async () => {
    vault = await startFurnishedVault({ storage: 'file' });
  });
  afterAll(async () => {
    await Promise.all(opened.map((provider) => provider.close()));
    await vault.stop();
  });

  const open = async (url = vault.url, members: object = {}, context = {}): Promise<OpenedVault> => {
    const provider = await openAt(vault, vaultSettings(url, members), context);
    opened.push(provider);
    return provider;
  };
  const works = async ({ material }: Made): Promise<boolean> => {
    const { username, password } = material as { username: string; password: string };
    const { host, port, database } = vault.postgres;
    const client = new pg.Client({ host, port, database, user: username, password });
    try {
      await client.connect();
      return true;
    } catch {
      return false;
    } finally {
      await client.end();
    }
  };
  const gone = (made: Made): Promise<unknown> => vi.waitUntil(async () => !(await works(made)), { timeout: 10_000 });

  test('its token revoked behind our back, the sidecar signs in again, and nobody who asks sees it', async () => {
    const provider = await open();
    const before = await provider.take(LOGIN);
    await vault.call('POST', 'auth/token/revoke-accessor', { accessor: sessionOf(before) });
    const [one, other] = await Promise.all([provider.take(LOGIN), provider.take('secret/ledger/api')]);
    expect(await works(one)).toBe(true);
    expect(other.material).toMatchObject({ version: '2' });
    // What the dead token had made has died with it, and says so.
    await gone(before);
    await expect(provider.renew!(before.handle!, orderOf(LOGIN))).rejects.toMatchObject({ code: 'upstream_not_found' });
    expect(await provider.end!(before.handle!, AbortSignal.timeout(5000))).toBe('not_found');
  });

  test('its token revoked behind our back, a renewal says that what it made has ended', async () => {
    const provider = await open();
    const made = await provider.take(LOGIN);
    const renewal = { ...orderOf(LOGIN), lifetimeMs: 3_600_000 };
    await vault.call('POST', 'auth/token/revoke-accessor', { accessor: sessionOf(made) });
    await expect(provider.renew!(made.handle!, renewal)).rejects.toMatchObject({ code: 'upstream_not_found' });
    expect(await works(await provider.take(LOGIN))).toBe(true);
  });

  test('nothing is promised for longer than the token guarantees that made it', async () => {
    await vault.call('POST', 'auth/jwt/role/brief', {
      ...(await vault.call<{ data: object }>('GET', 'auth/jwt/role/tallystick')).data,
      token_ttl: '30s',
    });
    const provider = await open(vault.url, {
      auth: { method: 'jwt', role: 'brief', audience: 'https://vault.acme.example' },
    });
    const made = await provider.take(LOGIN);
    expect(made.expiresAtMs).toBeLessThanOrEqual(Date.now() + 30_000);
    const renewed = await provider.renew!(made.handle!, orderOf(LOGIN));
    expect(renewed.expiresAtMs).toBeLessThanOrEqual(Date.now() + 30_000);
  });

  test('sealed, it says so; unsealed, the same login goes on', async () => {
    const provider = await open();
    const made = await provider.take(LOGIN);
    await vault.seal();
    await expect(provider.take(LOGIN)).rejects.toMatchObject({ code: 'upstream_sealed' });
    await expect(provider.renew!(made.handle!, orderOf(LOGIN))).rejects.toMatchObject({ code: 'upstream_sealed' });
    await vault.unseal();
    // It takes up its duties a moment after it has said that it is unsealed.
    await vi.waitUntil(() => provider.take(LOGIN).catch(() => undefined), { timeout: 10_000 });
    expect((await provider.renew!(made.handle!, orderOf(LOGIN))).expiresAtMs).toBeGreaterThan(Date.now());
  });

  test('a database that is away fails its logins, and nothing else of its Vault', async () => {
    const provider = await open();
    await vault.postgres.down();
    try {
      await expect(provider.take(LOGIN)).rejects.toMatchObject({ code: 'upstream_failed' });
      expect((await provider.take('secret/ledger/api')).material).toBeDefined();
    } finally {
      await vault.postgres.up();
    }
    await vi.waitUntil(() => provider.take(LOGIN).catch(() => undefined), { timeout: 10_000 });
  });

  test('restarted, it is away and comes back, and what it made before can still be ended', async () => {
    const provider = await open();
    const made = await provider.take(LOGIN);
    await vault.down();
    await expect(provider.take(LOGIN)).rejects.toMatchObject({ code: 'upstream_unavailable' });
    await vault.up();
    await vi.waitUntil(() => provider.take('secret/ledger/api').catch(() => undefined), { timeout: 10_000 });
    expect(await provider.end!(made.handle!, AbortSignal.timeout(5000))).toBe('revoked');
    await gone(made);
  });

  test('after a crash of the sidecar, another one ends what was made by what was kept before', async () => {
    const keep = vi.fn(async (_handle: string) => {});
    const crashed = await open();
    const made = await crashed.take(LOGIN, {}, { keep });
    await crashed.close();
    expect(await works(made)).toBe(true);
    expect(await (await open()).end!(keep.mock.calls[0]![0], AbortSignal.timeout(5000))).toBe('revoked');
    await gone(made);
  });

  test('what came to nothing is ended by what was kept of it, and where nothing could be kept, by itself', async () => {
    const provider = await open();
    let kept = '';
    const denied = 'database/creds/none';
    const keep = async (handle: string): Promise<void> => void (kept = handle);
    await expect(provider.take(denied, {}, { keep })).rejects.toMatchObject({ code: 'upstream_denied' });
    expect(await provider.end!(kept, AbortSignal.timeout(5000))).toBe('revoked');
    const fail = async (handle: string): Promise<void> => {
      await keep(handle);
      throw new TallystickError('state_unusable', 'the disk is full');
    };
    await expect(provider.take(denied, {}, { keep: fail })).rejects.toMatchObject({ code: 'state_unusable' });
    const { accessor } = JSON.parse(kept) as { accessor: string };
    await vi.waitUntil(() =>
      vault.call('POST', 'auth/token/lookup-accessor', { accessor }).then(
        () => false,
        () => true,
      ),
    );
  });

  test('its quota is a rate limit, with the time that it wants to be left alone', async () => {
    const provider = await open();
    await provider.take('secret/ledger/api');
    await vault.call('POST', 'sys/quotas/config', { enable_rate_limit_response_headers: true });
    await vault.call('POST', 'sys/quotas/rate-limit/kv', { path: 'auth/token', rate: 0.01, interval: '10s' });
    try {
      const all = await Promise.allSettled(Array.from({ length: 5 }, () => provider.take('secret/ledger/api')));
      const limited = all.flatMap((each) => (each.status === 'rejected' ? [each.reason as Error] : []));
      expect(limited[0]).toMatchObject({ code: 'upstream_rate_limited', retryAfterMs: expect.any(Number) as number });
    } finally {
      await vault.call('DELETE', 'sys/quotas/rate-limit/kv');
    }
  });

  test('its own token is extended at two thirds of its life, without anybody asking', async () => {
    const proxy = await startFaultProxy(vault.url);
    const time = manualTime(Date.now());
    const provider = await open(proxy.url, {}, { clock: time, timers: time });
    await provider.take('secret/ledger/api');
    proxy.set({ kind: 'fair' });
    time.advance(41 * 60_000);
    await vi.waitUntil(() => proxy.requests.length > 0);
    expect(proxy.requests.map(({ path }) => path)).toEqual(['/v1/auth/token/renew-self']);
    await provider.close();
    await proxy.stop();
  });

  test('every request says that it is one for Vault, and in which namespace', async () => {
    const proxy = await startFaultProxy(vault.url);
    const provider = await open(proxy.url, { namespace: 'payments' });
    proxy.set({ kind: 'answer', status: 200, body: '{}' });
    await expect(provider.take('secret/ledger/api')).rejects.toMatchObject({ code: 'upstream_answer_invalid' });
    expect(proxy.requests[0]!.headers).toMatchObject({ 'x-vault-request': 'true', 'x-vault-namespace': 'payments' });
    await proxy.stop();
  });

  test('check names each line of the policy that is missing, ready to be pasted, and makes nothing', async () => {
    await vault.allow('path "auth/token/create" { capabilities = ["update"] }');
    const provider = await open();
    const check = (path: string) => provider.check(wantedOf(path), AbortSignal.timeout(5000));
    const missing = (await check(LOGIN)).flatMap(({ ok, remedy }) => (ok ? [] : [remedy]));
    expect(missing).toEqual(
      [
        `path "${LOGIN}" { capabilities = ["read"] }`,
        'path "auth/token/renew-accessor" { capabilities = ["update"] }',
        'path "auth/token/revoke-accessor" { capabilities = ["update"] }',
      ].map((line) => `add to the policy: ${line}`),
    );
    // Pasted, they are enough.
    const pasted = missing.map((line) => line!.replace('add to the policy: ', ''));
    await vault.allow([...pasted, 'path "auth/token/create" { capabilities = ["update"] }'].join('\n'));
    expect((await check(LOGIN)).filter(({ ok }) => !ok)).toEqual([]);
    await vault.allow();
    expect((await check('secret/ledger/api')).map(({ what }) => what)).toContain('path secret/data/ledger/api');
  });

  test('check says what the role of the login must be, where that is refused', async () => {
    const provider = await open(vault.url, { auth: { method: 'jwt', role: 'nobody' } });
    const [finding] = await provider.check(wantedOf(LOGIN), AbortSignal.timeout(5000));
    expect(finding).toMatchObject({ ok: false, what: 'login' });
    expect(finding!.remedy).toContain('vault write auth/jwt/role/nobody role_type=jwt bound_audiences=');
  });
});

/** Accessor of the token that the sidecar had when something was made. */
function sessionOf({ handle }: Made): string {
  return (JSON.parse(handle!) as { made: { session: string } }).made.session;
}
