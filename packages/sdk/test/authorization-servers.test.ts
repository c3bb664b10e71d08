import { TallystickError } from '@tallystick/core';
import { judgeProof, readProof } from '@tallystick/dpop';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ConnectOptions } from '../src/connect.ts';
import type { Identity } from '../src/identity.ts';
import type { Runtime } from '../src/internal.ts';
import { FakeApi } from './fake-api.ts';
import type { Making, SeenCredentialRequest } from './fake-replies.ts';
import { CLOSE_BATCH, sealedCredential, type AskedProof, type FakeSidecar } from './fake-sidecar.ts';
import { connected, sidecar } from './setup.ts';

const HTU = 'https://sso.other.example/token';
const PINNED: ConnectOptions = { authorizationServers: [HTU] };
const { privateKey, publicKey } = await generateKeyPair('ES256');

/** What a foreign server does with a request; by default it wants a proof for `HTU` with its nonce, and binds to it. */
interface Foreign {
  htu?: string;
  nonce?: string | undefined;
  /** Of the proof that the last token was bound to. */
  jkt?: string;
  rounds: number;
  token?: (jkt: string) => Promise<string> | string;
  binding?: 'dpop' | 'none';
}

async function bound(jkt: string): Promise<string> {
  return new SignJWT({ sub: 'close-batch-client', cnf: { jkt } })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
    .setExpirationTime('1h')
    .sign(privateKey);
}

/** Makes what the sidecar does for a foreign server, whose every rule is checked. */
function serving(foreign: Foreign) {
  return async ({ request }: SeenCredentialRequest): Promise<Making | AskedProof> => {
    foreign.rounds++;
    const ask = { htm: 'POST', htu: foreign.htu ?? HTU, nonce: foreign.nonce, challenge: 'challenge-1' } as const;
    const given = request.upstreamProof;
    if (!given) return { ask };
    expect(given.challenge).toBe('challenge-1');
    const proof = readProof([given.proof]);
    judgeProof(proof, { method: 'POST', url: HTU });
    if (proof.nonce !== foreign.nonce) return { ask };
    foreign.jkt = proof.jkt;
    const token = await (foreign.token ?? bound)(proof.jkt);
    return { material: { token, audience: '', scope: 'read' }, binding: foreign.binding ?? 'dpop' };
  };
}

async function foreignSidecar(foreign: Foreign, use: readonly string[] = []): Promise<FakeSidecar> {
  const it = sealedCredential('it', 'access-token', { use, binding: 'dpop' });
  const identities = [{ ...CLOSE_BATCH, credentials: [...CLOSE_BATCH.credentials, it] }];
  return sidecar({ identities, making: serving(foreign) });
}

const refusal = async (identity: Identity): Promise<TallystickError> => {
  const error: unknown = await identity.credential('it', 'access-token').catch((fault: unknown) => fault);
  if (!TallystickError.is(error)) throw new Error('it was accepted');
  return error;
};

describe('a token of another authorization server', () => {
  test('is bound to a key of its own, and is used with proofs by that key', async () => {
    const api = await FakeApi.start(await exportJWK(publicKey));
    onTestFinished(() => api.stop());
    const foreign: Foreign = { rounds: 0, nonce: 'n-1' };
    const fake = await foreignSidecar(foreign, [`${api.origin}/`]);
    const identity = await connected(fake, {}, PINNED);
    const response = await identity.fetch(`${api.origin}/journal`);
    expect([response.status, await response.json()]).toEqual([
      200,
      expect.objectContaining({ caller: 'close-batch-client' }),
    ]);
    expect(foreign.rounds).toBe(2);
    const credential = await identity.credential('it', 'access-token');
    expect(credential).toMatchObject({ binding: 'dpop', delivery: 'sealed', scope: 'read' });
    expect(foreign.jkt).not.toBe(fake.seen.find(({ proof }) => proof)!.proof!.jkt);
    expect((await identity.fetchWith('it')(`${api.origin}/`)).status).toBe(200);
    const { dpop } = await identity.authorize({ method: 'GET', url: `${api.origin}/`, credential: 'it' });
    expect(readProof([dpop]).jkt).toBe(foreign.jkt);
    expect(foreign.rounds).toBe(2);
  });

  test('is proven again where the server wants a nonce, and not a third time', async () => {
    const foreign: Foreign = { rounds: 0, nonce: undefined };
    const fake = await foreignSidecar(foreign);
    const identity = await connected(fake, {}, PINNED);
    const judged = fake.options.making!;
    fake.options.making = (seen) => {
      if (foreign.rounds === 1) foreign.nonce = 'n-2';
      return judged(seen);
    };
    await identity.credential('it', 'access-token');
    expect(foreign.rounds).toBe(3);
    const hopping: Foreign = { rounds: 0 };
    const other = await foreignSidecar(hopping);
    const answer = other.options.making!;
    other.options.making = (seen) => {
      hopping.nonce = `n-${hopping.rounds}`;
      return answer(seen);
    };
    expect((await refusal(await connected(other, {}, PINNED))).code).toBe('upstream_proof_required');
    expect(hopping.rounds).toBe(3);
  });

  test('keeps its key when it is replaced, and the sidecar may give it again without a proof', async () => {
    const foreign: Foreign = { rounds: 0 };
    const fake = await foreignSidecar(foreign);
    const identity = await connected(fake, {}, PINNED);
    const first = await identity.credential('it', 'access-token');
    const key = foreign.jkt;
    await identity.release(first);
    await identity.credential('it', 'access-token');
    expect(foreign.jkt).toBe(key);
    const watch = identity.watch('it', 'access-token')[Symbol.asyncIterator]();
    const { value } = await watch.next();
    const again: Making = {
      material: { token: first.token.reveal(), audience: '', scope: 'read' },
      binding: 'dpop',
    };
    fake.options.making = () => again;
    await fake.until(() => fake.streams === 1);
    fake.rotate(value!.leaseId);
    expect((await watch.next()).value!.token.equals(first.token)).toBe(true);
  });

  test('may show nothing of itself: then it is for the key of the proof', async () => {
    const foreign: Foreign = { rounds: 0, token: () => 'opaque' };
    const fake = await foreignSidecar(foreign);
    const identity = await connected(fake, {}, PINNED);
    expect((await identity.credential('it', 'access-token')).token.reveal()).toBe('opaque');
  });

  test.each<[fault: string, foreign: Partial<Foreign>, code: string]>([
    ['is bearer', { binding: 'none' }, 'upstream_unbound'],
    ['shows another key', { token: () => bound('another') }, 'protocol_error'],
    ['shows a key that is no text', { token: () => bound(7 as never) }, 'protocol_error'],
  ])('that %s is refused', async (_, how, code) => {
    const identity = await connected(await foreignSidecar({ rounds: 0, ...how }), {}, PINNED);
    expect((await refusal(identity)).code).toBe(code);
  });

  test('that came without a proof of ours is refused: no key of ours can be its key', async () => {
    const fake = await foreignSidecar({ rounds: 0 });
    const identity = await connected(fake, {}, PINNED);
    for (const token of ['opaque', await bound(fake.seen.find(({ proof }) => proof)!.proof!.jkt)]) {
      fake.options.making = () => ({ material: { token, audience: '', scope: '' }, binding: 'dpop' });
      expect((await refusal(identity)).code).toBe('protocol_error');
    }
  });
});

describe('a proof is made', () => {
  test.each<[where: string, htu: string, options: ConnectOptions]>([
    ['for nobody where nobody is named', HTU, {}],
    ['for no other server', 'https://sso.evil.example/token', PINNED],
    ['for no other path', 'https://sso.other.example/token/x', PINNED],
    ['for no other scheme', 'http://sso.other.example/token', PINNED],
    ['for no user information', 'https://sso.other.example@evil.example/token', PINNED],
    ['for no text that is no URL', 'canary', PINNED],
  ])('%s', async (_, htu, options) => {
    const foreign: Foreign = { rounds: 0, htu };
    const error = await refusal(await connected(await foreignSidecar(foreign), {}, options));
    expect(error.code).toBe('authorization_server_unknown');
    expect(foreign.rounds).toBe(1);
  });

  test('for a server that the trust file names', async () => {
    const fake = await foreignSidecar({ rounds: 0 });
    const file = { issuer: fake.options.issuer, replyKeys: [fake.replyKey.kid], authorizationServers: [HTU] };
    const runtime: Partial<Runtime> = { env: { TALLYSTICK_TRUST: '/t' }, readTrustFile: () => JSON.stringify(file) };
    await (await connected(fake, runtime)).credential('it', 'access-token');
  });

  test('for one URL in two forms (RFC 9449 §4.3)', async () => {
    const fake = await foreignSidecar({ rounds: 0, htu: 'HTTPS://SSO.other.example:443/%74oken?x' });
    await (await connected(fake, {}, PINNED)).credential('it', 'access-token');
  });

  test('for two servers by two keys', async () => {
    const [one, two]: [Foreign, Foreign] = [{ rounds: 0 }, { rounds: 0 }];
    const fake = await foreignSidecar(one);
    const identity = await connected(fake, {}, { authorizationServers: [HTU, 'https://two.example/token'] });
    await identity.release(await identity.credential('it', 'access-token'));
    fake.options.making = ({ request }) => {
      if (!request.upstreamProof) {
        return { ask: { htm: 'POST', htu: 'https://two.example/token', nonce: undefined, challenge: 'c' } };
      }
      two.jkt = readProof([request.upstreamProof.proof]).jkt;
      return bound(two.jkt).then((token) => ({ material: { token, audience: '', scope: '' }, binding: 'dpop' }));
    };
    await identity.credential('it', 'access-token');
    expect(two.jkt).not.toBe(one.jkt);
  });

  test.each([
    'http://sso.other.example/token',
    'sso.other.example',
    '',
    'https://u@sso.other.example/token',
    7 as never,
  ])('for no server that is named as %j', async (url) => {
    const fake = await foreignSidecar({ rounds: 0 });
    await expect(connected(fake, {}, { authorizationServers: [url] })).rejects.toMatchObject({
      code: 'invalid_request',
      remedy: expect.stringContaining('token endpoint') as string,
    });
  });
});
