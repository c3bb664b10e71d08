import { leaseId, systemClock, systemRandom } from '@tallystick/core';
import { onTestFinished } from 'vitest';
import { azureKind, type AzureSettings, type AzureWanted } from '../../../src/providers/azure.ts';
import type { MintOrder, Provider } from '../../../src/providers/provider.ts';
import { identity } from '../../acme.ts';
import { contractContext } from '../contract-context.ts';
import { publishedFederation, type PublishedFederation } from '../federation/published-federation.ts';
import { readAll } from '../secrets-of.ts';
import { startAzureJudge, type AzureJudge } from './azure-judge.ts';

/** A provider of Entra, the judge that it speaks with, and the federation that this trusts. */
export interface OpenedAzure {
  readonly judge: AzureJudge;
  readonly federation: PublishedFederation;
  readonly provider: Provider<AzureWanted>;
  order(credential: object, members?: Partial<MintOrder<AzureWanted>>): MintOrder<AzureWanted>;
}

/** Opens all three for one test. */
export async function openedAzure(settings: object = {}): Promise<OpenedAzure> {
  const federation = await publishedFederation();
  const judge = await startAzureJudge({ dir: federation.dir, issuer: federation.url });
  const { tenant, client, url: authority } = judge;
  const provider = await azureKind.open(
    readAll(azureKind.settings, { type: 'azure', tenant, client, authority, ...settings }) as AzureSettings,
    contractContext({ sign: federation.keys.sign }),
  );
  onTestFinished(async () => {
    await provider.close();
    await judge.stop();
    federation.remove();
  });
  return {
    judge,
    federation,
    provider,
    order(credential, members) {
      const wanted = readAll(azureKind.credential, { provider: 'azure', ...credential }) as AzureWanted;
      return {
        leaseId: leaseId(systemClock, systemRandom),
        name: 'graph',
        wanted,
        scope: wanted.scope === undefined ? [] : [wanted.scope],
        lifetimeMs: 900_000,
        identity: identity('payments/close-batch'),
        process: { id: 'BP-1042', run: undefined },
        applicant: { jkt: 'N-7G6PhAzHoGiAYpHyhvTR_uYOUbG8DZpSKXnYrTVhg' },
        keep: async () => {},
        signal: AbortSignal.timeout(10_000),
        ...members,
      };
    },
  };
}
