import { afterAll, beforeAll } from 'vitest';
import { gcpKind } from '../../../src/providers/gcp.ts';
import type { Made } from '../../../src/providers/provider.ts';
import { providerContract } from '../contract.ts';
import { publishedFederation, type PublishedFederation } from '../federation/published-federation.ts';
import type { Subject } from '../subject.ts';
import { startGcpJudge, type GcpJudge } from './gcp-judge.ts';

let federation: PublishedFederation;
let judge: GcpJudge;

beforeAll(async () => {
  federation = await publishedFederation();
  judge = await startGcpJudge({ dir: federation.dir, issuer: federation.url });
});
afterAll(async () => {
  await judge.stop();
  federation.remove();
});

const tokenOf = ({ material }: Made): string => (material as { token: string }).token;
const cannot = {
  keep: 'nothing of Google can be ended',
  session: 'each identity signs in as itself',
  renew: 'a token is replaced',
  revoke: 'a token ends by its time alone',
} as const;

const google = {
  kind: gcpKind,
  serverUrl: () => judge.url,
  settings: (url) => ({
    type: 'gcp',
    audience: judge.audience,
    endpoints: { sts: url, iamCredentials: url, secretManager: url },
  }),
  sign: (...order) => federation.keys.sign(...order),
  secrets: () => judge.secrets(),
  cannot,
} satisfies Partial<Subject>;

providerContract({
  ...google,
  title: 'gcp, federated principal',
  credential: { scope: 'https://www.googleapis.com/auth/devstorage.read_only' },
  makes: ({ path }) => path === '/v1/token',
  async deny() {
    judge.condition(() => false);
    return async () => judge.condition(() => true);
  },
  namesLease: async (leaseId, made) => {
    const { tallystick } = judge.attributesOf(tokenOf(made)) as { tallystick: { lease: string } };
    return tallystick.lease === leaseId;
  },
  accepted: async (made) => judge.accepts(tokenOf(made)),
});

async function deny(): Promise<() => Promise<void>> {
  judge.allow([]);
  return async () => judge.allow(undefined);
}

providerContract({
  ...google,
  title: 'gcp, service account',
  credential: { serviceAccount: 'reports@acme-prod.iam.gserviceaccount.com' },
  makes: ({ path }) => path.endsWith(':generateAccessToken'),
  deny,
  namesLease: async (leaseId) => judge.log.some(({ reason }) => reason?.includes(`lease=${leaseId} `)),
  accepted: async (made) => judge.accepts(tokenOf(made)),
});

providerContract({
  ...google,
  title: 'gcp, secret',
  credential: { secret: 'projects/acme-prod/secrets/ledger-key', lifetime: '10m' },
  makes: ({ path }) => path.endsWith(':access'),
  deny,
  namesLease: async (leaseId) => judge.log.some(({ reason }) => reason?.includes(`lease=${leaseId} `)),
  cannot: { ...cannot, rotate: 'a version of a secret stays as it is' },
});
