// A Vault that serves, and cannot be reached: its name does not resolve, or the certificate in front of it has expired.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@tallystick/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SERVICE, startDaemon, type Daemon } from '../daemon/daemon.ts';
import { API_KEY, startFurnishedVault, type FurnishedVault } from '../interop/vault/furnished-vault.ts';
import { describeWithServers } from '../servers/require-server.ts';
import { startTlsFront, type TlsFront } from './tls-front.ts';

const NAME = 'vault.acme.example';
const HOUR_MS = 3_600_000;

describeWithServers(['vault', 'postgres'], 'an upstream that cannot be reached', () => {
  let folder: string;
  let names: string;
  let vault: FurnishedVault;
  let front: TlsFront;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tallystick-upstream-reach-'));
    names = join(folder, 'names-resolve');
    vault = await startFurnishedVault();
    front = await startTlsFront(NAME, vault.url);
    const { auth } = await vault.call<{ auth: { client_token: string } }>('POST', 'auth/token/create', {
      policies: ['tallystick'],
    });
    writeFileSync(join(folder, 'vault-token'), auth.client_token, { mode: 0o600 });
    writeFileSync(join(folder, 'ca.pem'), front.authority);
  });
  afterAll(async () => {
    await front?.[Symbol.asyncDispose]();
    await vault?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (): Promise<Daemon> =>
    startDaemon({
      env: {
        NODE_OPTIONS: `--import=${new URL(`programs/names.ts?name=${NAME}&while=${names}`, import.meta.url).href}`,
      },
      registry: `identities:
  - id: ${SERVICE}
    owner: team-payments
    purpose: posts the month-end journal
    environment: test
    expires: ${new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10)}
    match: [tallystick:socket:app]
    entitlements: [api-key]
providers:
  vault:
    type: vault
    address: https://${NAME}:${front.port}
    auth: { method: token, tokenFile: '${folder}/vault-token' }
    tls: { ca: '${folder}/ca.pem' }
credentials:
  api-key: { provider: vault, path: secret/ledger/api, lifetime: 4s }
`,
    });
  const resolve = (does: boolean): void => (does ? writeFileSync(names, '') : rmSync(names, { force: true }));

  /** Asks until the copy that is held is another than `before`; fails when any call does. */
  async function another(take: () => Promise<{ readonly leaseId: string }>): Promise<void> {
    const { leaseId } = await take();
    await expect.poll(async () => (await take()).leaseId, { timeout: 10_000 }).not.toBe(leaseId);
  }

  test('whose name is gone is reached where it was; by a sidecar that never knew, once the name is back', async () => {
    resolve(true);
    await using first = await start();
    await using identity = await connect({ socket: first.socket });
    const take = () => identity.credential('api-key', 'secret');
    expect((await take()).values.key!.reveal()).toBe(API_KEY);
    resolve(false);
    // The connections that are open break as well.
    front.show(Date.now() + HOUR_MS);
    await another(take);
    await another(take);

    await identity.close();
    await first.kill('SIGTERM');
    await using second = await first.again();
    await using late = await connect({ socket: second.socket });
    await expect(late.credential('api-key', 'secret')).rejects.toMatchObject({ code: 'upstream_unavailable' });
    resolve(true);
    await expect
      .poll(
        () =>
          late.credential('api-key', 'secret').then(
            ({ name }) => name,
            () => '',
          ),
        { timeout: 15_000 },
      )
      .toBe('api-key');
  });

  test('whose certificate has expired is not spoken to; what is held serves to its end, and no longer', async () => {
    resolve(true);
    await using daemon = await start();
    await using identity = await connect({ socket: daemon.socket });
    const take = () => identity.credential('api-key', 'secret');
    const { expiresAt } = await take();
    front.show(Date.now() - HOUR_MS);
    let refusedAtMs: number | undefined;
    for (;;) {
      try {
        const held = await take();
        expect(Date.now()).toBeLessThan(held.expiresAt.getTime());
      } catch (error) {
        expect(error).toMatchObject({ code: 'upstream_unavailable' });
        refusedAtMs = Date.now();
        break;
      }
      await new Promise((tick) => setTimeout(tick, 20));
    }
    // The SDK gives up what it holds in its last second, and says when that is in whole seconds.
    expect(refusedAtMs).toBeGreaterThan(expiresAt.getTime() - 2000);
    front.show(Date.now() + HOUR_MS);
    await expect
      .poll(
        () =>
          take().then(
            ({ name }) => name,
            () => '',
          ),
        { timeout: 30_000 },
      )
      .toBe('api-key');
  });
});
