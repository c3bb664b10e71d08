import { leaseId, systemClock, systemRandom } from '@tallystick/core';
import type { Made, MintOrder, Provider, ProviderContext } from '../../../sidecar/src/providers/provider.ts';
import { vaultKind, type VaultWanted } from '../../../sidecar/src/providers/vault.ts';
import { identity } from '../../../sidecar/test/acme.ts';
import { contractContext } from '../../../sidecar/test/providers/contract-context.ts';
import { readAll } from '../../../sidecar/test/providers/secrets-of.ts';
import type { FurnishedVault } from './furnished-vault.ts';

/** A provider that is open at a Vault. */
export interface OpenedVault extends Provider<VaultWanted> {
  /** Makes what stands at a path. */
  take(path: string, members?: object, order?: Partial<MintOrder<VaultWanted>>): Promise<Made>;
}

/** What an order has that nobody says more of. */
export function orderOf(path: string, members: object = {}): MintOrder<VaultWanted> {
  return {
    leaseId: leaseId(systemClock, systemRandom),
    name: 'credential',
    wanted: wantedOf(path, members),
    scope: [],
    lifetimeMs: 300_000,
    identity: identity('payments/close-batch'),
    process: { id: 'BP-1042', run: 'run-7' },
    applicant: { jkt: 'N-7G6PhAzHoGiAYpHyhvTR_uYOUbG8DZpSKXnYrTVhg' },
    keep: async () => {},
    signal: AbortSignal.timeout(15_000),
  };
}

export function wantedOf(path: string, members: object = {}): VaultWanted {
  return readAll(vaultKind.credential, { provider: 'upstream', path, ...members }) as VaultWanted;
}

export async function openAt(
  vault: Pick<FurnishedVault, 'sign'>,
  settings: object,
  context: Partial<ProviderContext> = {},
): Promise<OpenedVault> {
  const provider = await vaultKind.open(readAll(vaultKind.settings, settings) as never, {
    ...contractContext(vault),
    ...context,
  });
  return {
    ...provider,
    take: (path, members, order) => provider.mint({ ...orderOf(path, members), ...order }),
  };
}
