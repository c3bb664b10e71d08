import { bodyHash } from '@tallystick/dpop';
import { createOneTimeKey, formatCredentialRequest } from '@tallystick/protocol';
import { decodeJwt } from 'jose';
import { expect, test } from 'vitest';
import { holder } from '../api/holder.ts';
import { configOf, entitled, identity } from '../acme.ts';
import { serveSidecar } from '../api/served-sidecar.ts';
import { upstreamCredential } from '../providers/test-provider.ts';

type Members = Parameters<typeof upstreamCredential>[1];
type Request = Omit<Parameters<typeof formatCredentialRequest>[0], 'sealTo'>;

/** A sidecar with one credential; returns what asks for it, and says under which lease it came. */
async function asker(members: Members) {
  const batch = identity('close-batch', { entitlements: [entitled('one')] });
  const own = await serveSidecar({ config: configOf([batch], [upstreamCredential('one', members)]) });
  const who = await holder(await own.workload());
  return async (request: Request): Promise<string> => {
    const key = createOneTimeKey();
    const body = formatCredentialRequest({ ...request, sealTo: key.jwk });
    for (;;) {
      const headers = {
        'content-type': 'application/json',
        dpop: who.prove('POST', '/v1/credentials/one', { bth: bodyHash(body) }),
      };
      const answer = await who.send('POST', '/v1/credentials/one', { headers, body });
      if (answer.json.code === 'use_dpop_nonce') continue;
      return decodeJwt(key.open(answer.json.sealed as string)).lease_id as string;
    }
  };
}

const csr = (text: string): string => Buffer.from(text).toString('base64');

test('a login is one for all, whatever key is sent along: another key makes no other login upstream', async () => {
  const ask = await asker({ type: 'database' });
  const lease = await ask({ type: 'database' });
  expect(await ask({ type: 'database', csr: csr('a'), publicKey: 'ssh-ed25519 a' })).toBe(lease);
});

test('an SSH certificate is for the public key that is sent, whatever certificate request comes with it', async () => {
  const ask = await asker({ type: 'ssh', holders: 'own' });
  const lease = await ask({ type: 'ssh', csr: csr('same'), publicKey: 'ssh-ed25519 a' });
  expect(await ask({ type: 'ssh', csr: csr('same'), publicKey: 'ssh-ed25519 b' })).not.toBe(lease);
});

test('an X.509 certificate is for the key of its request, whatever public key comes with it', async () => {
  const ask = await asker({ type: 'x509', holders: 'own' });
  const lease = await ask({ type: 'x509', csr: csr('a'), publicKey: 'ssh-ed25519 a' });
  expect(await ask({ type: 'x509', csr: csr('a'), publicKey: 'ssh-ed25519 b' })).toBe(lease);
  expect(await ask({ type: 'x509', csr: csr('b'), publicKey: 'ssh-ed25519 b' })).not.toBe(lease);
});
