import { systemClock } from '@tallystick/core';
import { afterAll, beforeAll } from 'vitest';
import { awsKind } from '../../../src/providers/aws.ts';
import { providerContract } from '../contract.ts';
import type { ProxiedRequest } from '../fault-proxy.ts';
import type { Subject } from '../subject.ts';
import {
  ACCESS_KEY,
  AUDIENCE,
  BROKER,
  createFederation,
  credentialsFile,
  ROLE,
  type Federation,
} from './aws-provider.ts';
import { REGION, startStsJudge, type StsJudge } from './sts-judge.ts';

const SECRET = 'prod/ledger';
const NO_END = 'AWS ends no session before its time';
const CANNOT = { keep: NO_END, renew: NO_END, revoke: NO_END };

let judge: StsJudge;
let federation: Federation;
let path: string;

beforeAll(async () => {
  judge = await startStsJudge(systemClock);
  federation = await createFederation();
  path = credentialsFile(undefined, afterAll);
  const { account } = judge;
  account.provider = { issuer: federation.issuer, jwks: federation.jwks, audience: AUDIENCE };
  account.keys.set(ACCESS_KEY.id, { secretAccessKey: ACCESS_KEY.secret });
  account.roles.set(BROKER, { subjects: (subject) => subject.includes('/tallystick/sidecar/') });
  account.roles.set(ROLE, {
    principals: [ACCESS_KEY.id, BROKER],
    subjects: (subject) => subject === 'spiffe://acme.example/payments/close-batch',
  });
  account.readers.add(ROLE).add(ACCESS_KEY.id);
  account.secrets.set(SECRET, [{ id: 'a'.repeat(32), stages: ['AWSCURRENT'], text: '{"password":"canary-ledger"}' }]);
});
afterAll(() => judge.close());

/** Takes the trust of the role away, and the right to read; returns what gives both back. */
async function deny(): Promise<() => Promise<void>> {
  const { roles, readers } = judge.account;
  const role = roles.get(ROLE)!;
  const mayRead = [...readers];
  roles.delete(ROLE);
  readers.clear();
  return async () => {
    roles.set(ROLE, role);
    for (const reader of mayRead) readers.add(reader);
  };
}

const assumes = (request: ProxiedRequest, role: string): boolean =>
  new URLSearchParams(request.body).get('RoleArn') === role;

const settingsOf = (auth: () => object) => (url: string) => ({
  type: 'aws',
  region: REGION,
  auth: auth(),
  endpoints: { sts: url, secretsmanager: url },
});

const session: Omit<Subject, 'title' | 'settings' | 'cannot'> = {
  kind: awsKind,
  serverUrl: () => judge.url,
  credential: { role: ROLE },
  sign: (_role, claims) => federation.sign(claims),
  makes: (request) => assumes(request, ROLE),
  deny,
  namesLease: async (leaseId, made) =>
    judge.sessions.some(
      ({ accessKeyId, sessionName, tags }) =>
        accessKeyId === made.handles.accessKeyId &&
        sessionName.startsWith(leaseId) &&
        tags['tallystick-lease'] === leaseId,
    ),
  accepted: async ({ material }) =>
    'secretAccessKey' in material &&
    judge.account.keys.get(material.accessKeyId)?.secretAccessKey === material.secretAccessKey,
  secrets: () => [ACCESS_KEY.secret, ...federation.signed],
};

const NO_LOGIN = 'each request proves itself';

providerContract({
  ...session,
  title: 'aws, role by web identity',
  settings: settingsOf(() => ({ method: 'web-identity' })),
  cannot: { ...CANNOT, session: NO_LOGIN },
});

providerContract({
  ...session,
  title: 'aws, role by access key',
  settings: settingsOf(() => ({ method: 'file', path })),
  cannot: { ...CANNOT, session: NO_LOGIN },
});

providerContract({
  ...session,
  title: 'aws, role by another role',
  settings: settingsOf(() => ({ method: 'web-identity', role: BROKER })),
  signsIn: (request) => assumes(request, BROKER),
  cannot: CANNOT,
});

const { accepted: _accepted, ...reading } = session;

providerContract({
  ...reading,
  title: 'aws, secret read by a role',
  settings: settingsOf(() => ({ method: 'web-identity' })),
  credential: { secret: SECRET, role: ROLE },
  makes: ({ headers }) => headers['x-amz-target'] === 'secretsmanager.GetSecretValue',
  cannot: { ...CANNOT, session: NO_LOGIN, rotate: 'what it reads is what stands there' },
});
