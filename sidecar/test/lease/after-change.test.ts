import { expect, test } from 'vitest';
import type { Config, CredentialConfig, ProviderConfig } from '../../src/config/config.ts';
import { judgeAfterChange } from '../../src/lease/after-change.ts';
import type { Lease } from '../../src/lease/lease.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { configOf } from '../acme.ts';
import { upstreamCredential } from '../providers/test-provider.ts';
import { keyOf } from './leases.ts';

const [OLD, NEW] = [{} as Provider, {} as Provider];
const DB = upstreamCredential('ledger-db');

const leaseOf = (credential: CredentialConfig, provider: Provider | undefined, stale = false): Lease =>
  ({ key: keyOf('key-1', { credential }), upstream: provider && { provider }, stale }) as Lease;

const configWith = (providers: readonly string[], credentials: readonly CredentialConfig[]): Config => ({
  ...configOf([], credentials),
  providers: new Map(providers.map((name) => [name, {} as ProviderConfig])),
});

const judge = (lease: Lease, next: Config): string => {
  const { gone, outdated } = judgeAfterChange([lease], new Set([OLD]), next);
  return gone.includes(lease) ? 'gone' : outdated.includes(lease) ? 'outdated' : 'as it was';
};

test.each([
  ['of a provider as it is', leaseOf(DB, NEW), configWith(['test-db'], [DB]), 'as it was'],
  ['of a provider whose settings changed', leaseOf(DB, OLD), configWith(['test-db'], [DB]), 'outdated'],
  ['that was asked to be replaced before', leaseOf(DB, OLD, true), configWith(['test-db'], [DB]), 'as it was'],
  ['of a provider that was removed', leaseOf(DB, OLD), configWith([], []), 'gone'],
  [
    'of a credential that is made on another path now',
    leaseOf(DB, NEW),
    configWith(['test-db'], [{ ...DB, wanted: { path: 'database/creds/other' } }]),
    'outdated',
  ],
  [
    'of a credential that another provider makes now',
    leaseOf(DB, NEW),
    configWith(['test-db', 'other'], [{ ...DB, provider: 'other' }]),
    'outdated',
  ],
  ['of a credential that is no more', leaseOf(DB, NEW), configWith(['test-db'], []), 'as it was'],
  ['of our own issuer', leaseOf(DB, undefined), configWith([], []), 'as it was'],
])('a lease %s', (_, lease, next, becomes) => {
  expect(judge(lease, next)).toBe(becomes);
});
