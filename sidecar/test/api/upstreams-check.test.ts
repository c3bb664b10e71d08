import { TallystickError } from '@tallystick/core';
import { expect, test } from 'vitest';
import { configOf, credential, entitled, identity } from '../acme.ts';
import { ask } from '../listen/unix-client.ts';
import { upstreamCredential } from '../providers/test-provider.ts';
import { serveSidecar } from './served-sidecar.ts';

async function served() {
  const batch = identity('close-batch', { entitlements: [entitled('ledger-api'), entitled('ledger-db')] });
  const own = await serveSidecar({
    config: configOf([batch], [credential('ledger-api'), upstreamCredential('ledger-db')]),
  });
  const socket = await own.admin();
  return { ...own, check: async () => (await ask(socket, { target: '/v1/upstreams/check' })).json };
}

test('each credential of an upstream is checked there, by what it wants, and none is minted', async () => {
  const { upstream, check, sidecar } = await served();
  const finding = { ok: false, what: 'policy', message: 'it may not read it', remedy: 'path "x" { … }' };
  const wanted: unknown[] = [];
  upstream.check = async (what) => {
    wanted.push(what);
    return [finding];
  };
  expect(await check()).toEqual({
    registry: sidecar.registry().digest.root,
    checked: [{ credential: 'ledger-db', provider: 'test-db', findings: [finding] }],
  });
  expect([wanted, upstream.orders]).toEqual([[{ path: 'database/creds/ledger-db' }], []]);
});

test('one that does not answer is a finding, with what to do, and without what it said', async () => {
  const { upstream, check } = await served();
  upstream.check = () => Promise.reject(new TallystickError('upstream_sealed', '"test-db" is sealed'));
  expect(await check()).toMatchObject({
    checked: [
      {
        findings: [{ ok: false, message: '"test-db" is sealed', remedy: expect.stringContaining('unseal') as string }],
      },
    ],
  });
  upstream.check = () => Promise.reject(new Error('canary'));
  expect(JSON.stringify(await check())).not.toContain('canary');
});
