import { expect, test } from 'vitest';
import type { MintOrder } from '../../../src/providers/provider.ts';
import type { VaultWanted } from '../../../src/providers/vault.ts';
import { answerReader } from '../../../src/providers/vault/answers.ts';
import { signCertificate } from '../../../src/providers/vault/pki.ts';
import { openedCa, requestOf, workloadKey } from '../ca/opened-ca.ts';

test.each([
  ['an issuer', { issuing_ca: 'canary' }],
  ['a chain', { ca_chain: ['canary'] }],
])('%s that is no certificate is an answer that is refused, without its words', async (_what, members) => {
  const { certificate, authorities } = await (await openedCa()).mint();
  const data = { certificate, issuing_ca: authorities, ...members };
  const order = {
    wanted: { path: 'pki/sign/batch', commonName: undefined, dnsNames: [] as readonly string[] },
    identity: { id: 'spiffe://acme.example/close-batch' },
    lifetimeMs: 60_000,
    applicant: { jkt: 'key', csr: requestOf(workloadKey) },
  } as unknown as MintOrder<VaultWanted>;
  const client = { read: async () => ({}), write: async () => ({ data, lease_duration: 0 }) };
  const call = { token: 'token', signal: new AbortController().signal };
  const mounts = { of: () => Promise.reject(new Error('no mount is looked up')) };
  const made = signCertificate({
    order,
    call,
    client,
    answers: answerReader('vault'),
    mounts,
    name: 'vault',
    nowMs: 0,
  });
  await expect(made).rejects.toMatchObject({
    code: 'upstream_answer_invalid',
    message: expect.not.stringContaining('canary') as string,
  });
});
