import { TallystickError } from '@tallystick/core';
import { keyOfRequest } from '../ca/csr.ts';
import type { Made, MintOrder, Provider, ProviderContext } from '../provider.ts';
import { engineOf, type VaultSettings, type VaultWanted } from '../vault.ts';
import { answerReader } from './answers.ts';
import { checkVault } from './check-vault.ts';
import { createConnections } from './connections.ts';
import { openVaultClient } from './vault-client.ts';
import { mintFromVault } from './mint.ts';
import { createMounts } from './mounts.ts';
import type { VaultParts } from './parts.ts';
import { endChild, renewChild } from './renew.ts';
import { createSessions } from './sessions.ts';
import { vaultLogin } from './login.ts';
import { sshKeyBlob } from './ssh-certificate.ts';

/** What is begun and not waited for, such as the end of a token that came to nothing, is given so long. */
const ASIDE_MS = 5000;

/** Returns the provider of one Vault. Loads node-vault, and asks nothing. */
export async function openVault(settings: VaultSettings, context: ProviderContext): Promise<Provider<VaultWanted>> {
  const { name, clock, timers, log } = context;
  const answers = answerReader(name);
  const connections = createConnections(name, settings, timers);
  const client = await openVaultClient({
    name,
    endpoint: settings.address.startsWith('unix:') ? 'http://localhost' : settings.address,
    namespace: settings.namespace,
    http: connections.current,
    clock,
  });
  const signIn = vaultLogin({ settings, client, answers, context });
  const login: typeof signIn = async (signal) => {
    await connections.refresh();
    return signIn(signal);
  };
  const sessions = createSessions({ name, login, client, answers, clock, timers, log });
  const aside = new Set<Promise<unknown>>();
  const parts: VaultParts = {
    name,
    client,
    answers,
    sessions,
    mounts: createMounts(client, answers, clock.nowMs),
    clock,
    auditDevice: settings.auditDevice,
    aside(run) {
      const limit = new AbortController();
      const timer = timers.after(ASIDE_MS, () => limit.abort());
      const running = run(limit.signal)
        // It ends by its own time too.
        .catch(() => {})
        .finally(() => {
          timer.cancel();
          aside.delete(running);
        });
      aside.add(running);
    },
  };

  return {
    requireApplicant,
    mint: (order): Promise<Made> => mintFromVault(parts, order),
    renew: (handle, order) => renewChild(parts, handle, order),
    end: (handle, signal) => endChild(parts, handle, signal),
    check: (wanted, signal) => checkVault(parts, settings, context, wanted, signal),
    async close() {
      sessions.close();
      await connections.close();
      await Promise.all(aside);
    },
  };
}

function requireApplicant({ wanted, applicant: { csr, publicKey } }: MintOrder<VaultWanted>): void {
  const engine = engineOf(wanted);
  if (engine === 'pki') {
    if (!csr) throw new TallystickError('csr_refused', 'a certificate is asked for without a certificate request');
    keyOfRequest(csr);
  }
  if (engine === 'ssh' && (publicKey === undefined || !sshKeyBlob(publicKey))) {
    throw new TallystickError('csr_refused', 'a certificate for SSH is asked for without a public key', {
      remedy: 'send the public key line that the SDK makes for this credential',
    });
  }
}
