import { afterAll, beforeAll } from 'vitest';
import { azureKind } from '../../../src/providers/azure.ts';
import { requestIdOf } from '../../../src/providers/azure/request-id.ts';
import { providerContract } from '../contract.ts';
import { publishedFederation, type PublishedFederation } from '../federation/published-federation.ts';
import type { Subject } from '../subject.ts';
import { startAzureJudge, type AzureJudge } from './azure-judge.ts';

let federation: PublishedFederation;
let judge: AzureJudge;
/** What the weather is made in front of: a vault's address stands in the credential, and is read before there is one. */
const vault = { url: '' };

beforeAll(async () => {
  federation = await publishedFederation();
  judge = await startAzureJudge({ dir: federation.dir, issuer: federation.url });
});
afterAll(async () => {
  await judge.stop();
  federation.remove();
});

const cannot = {
  keep: 'nothing of Microsoft can be ended',
  session: 'each identity signs in as itself',
  renew: 'a token is replaced',
  revoke: 'a token ends by its time alone',
} as const;

const microsoft = {
  kind: azureKind,
  serverUrl: () => judge.url,
  settings: (url) => {
    vault.url = url;
    return { type: 'azure', tenant: judge.tenant, client: judge.client, authority: url };
  },
  sign: (...order) => federation.keys.sign(...order),
  secrets: () => judge.secrets(),
  namesLease: async (leaseId) => judge.log.some(({ correlationId }) => correlationId === requestIdOf(leaseId)),
  cannot,
} satisfies Partial<Subject>;

providerContract({
  ...microsoft,
  title: 'azure, application',
  credential: { scope: 'https://graph.microsoft.com/.default' },
  makes: ({ path }) => path.endsWith('/oauth2/v2.0/token'),
  async deny() {
    judge.trust([]);
    return async () => judge.trust(undefined);
  },
  accepted: async ({ material }) => judge.accepts((material as { token: string }).token),
});

providerContract({
  ...microsoft,
  title: 'azure, secret of a key vault',
  credential: {
    get vault() {
      return vault.url;
    },
    secret: 'ledger-key',
  },
  makes: ({ path }) => path.startsWith('/secrets/'),
  async deny() {
    judge.admit(false);
    return async () => judge.admit(true);
  },
  cannot: { ...cannot, rotate: 'a version of a secret stays as it is' },
});
