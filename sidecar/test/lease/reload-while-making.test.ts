import { bodyHash } from '@tallystick/dpop';
import { createOneTimeKey, formatCredentialRequest } from '@tallystick/protocol';
import { decodeJwt } from 'jose';
import { expect, test } from 'vitest';
import type { Config, ProviderConfig } from '../../src/config/config.ts';
import type { ProviderKind } from '../../src/providers/provider.ts';
import { configOf, entitled, identity } from '../acme.ts';
import { holder, type Holder } from '../api/holder.ts';
import { serveSidecar } from '../api/served-sidecar.ts';
import { guarded } from '../providers/guarded-upstreams.ts';
import { upstreamCredential } from '../providers/test-provider.ts';

function config(address: string, path = 'database/creds/writer'): Config {
  const provider: ProviderConfig = { name: 'test-db', kind: { type: 'test' } as ProviderKind, settings: { address } };
  const batch = identity('close-batch', { entitlements: [entitled('ledger-db')] });
  const db = upstreamCredential('ledger-db', { lifetimeMs: 3_600_000, wanted: { path } });
  return { ...configOf([batch], [db]), providers: new Map([['test-db', provider]]) };
}

/** Returns the id of the lease of the login. */
async function login(who: Holder): Promise<string> {
  const key = createOneTimeKey();
  const body = formatCredentialRequest({ type: 'database', sealTo: key.jwk });
  const path = '/v1/credentials/ledger-db';
  for (;;) {
    const headers = { 'content-type': 'application/json', dpop: who.prove('POST', path, { bth: bodyHash(body) }) };
    const answer = await who.send('POST', path, { headers, body });
    if (answer.json.code === 'use_dpop_nonce') continue;
    return decodeJwt(key.open(answer.json.sealed as string)).lease_id as string;
  }
}

test.each([
  ['settings of its upstream', config('b')],
  ['path upstream', config('a', 'database/creds/reader')],
])('what is being made while a configuration with another %s comes is thrown away', async (_what, next) => {
  const { sidecar, upstream, workload } = await serveSidecar({ config: config('a'), upstreams: guarded(config('a')) });
  const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  upstream.making = async () => {
    begun.resolve();
    await gate.promise;
    return {};
  };
  const asked = login(await holder(await workload()));
  await begun.promise;
  const [early] = upstream.orders;
  await sidecar.apply(next);
  gate.resolve();
  const lease = await asked;
  expect(upstream.orders).toHaveLength(2);
  expect(lease).toBe(upstream.orders[1]!.leaseId);
  await expect.poll(() => upstream.ended).toEqual([`handle of ${early!.leaseId}`]);
});
