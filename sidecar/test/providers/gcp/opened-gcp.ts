import { leaseId, systemClock, systemRandom } from '@tallystick/core';
import { onTestFinished } from 'vitest';
import { gcpKind, type GcpSettings, type GcpWanted } from '../../../src/providers/gcp.ts';
import type { MintOrder, Provider } from '../../../src/providers/provider.ts';
import { identity } from '../../acme.ts';
import { contractContext } from '../contract-context.ts';
import { publishedFederation, type PublishedFederation } from '../federation/published-federation.ts';
import { readAll } from '../secrets-of.ts';
import { startGcpJudge, type GcpJudge } from './gcp-judge.ts';

/** A provider of Google, the judge that it speaks with, and the federation that this trusts. */
export interface OpenedGcp {
  readonly judge: GcpJudge;
  readonly federation: PublishedFederation;
  readonly provider: Provider<GcpWanted>;
  order(credential: object, members?: Partial<MintOrder<GcpWanted>>): MintOrder<GcpWanted>;
}

/** Opens all three for one test. */
export async function openedGcp(settings: object = {}): Promise<OpenedGcp> {
  const federation = await publishedFederation();
  const judge = await startGcpJudge({ dir: federation.dir, issuer: federation.url });
  const { url } = judge;
  const written = {
    type: 'gcp',
    audience: judge.audience,
    endpoints: { sts: url, iamCredentials: url, secretManager: url },
    ...settings,
  };
  const provider = await gcpKind.open(
    readAll(gcpKind.settings, written) as GcpSettings,
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
      const wanted = readAll(gcpKind.credential, { provider: 'gcp', ...credential }) as GcpWanted;
      return {
        leaseId: leaseId(systemClock, systemRandom),
        name: 'reports',
        wanted,
        scope: wanted.scope.split(' '),
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
