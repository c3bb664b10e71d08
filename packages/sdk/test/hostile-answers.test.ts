import { inspect } from 'node:util';
import { TallystickError } from '@tallystick/core';
import { createOneTimeKey, formatReplyClaims, seal, type CredentialReply } from '@tallystick/protocol';
import { describe, expect, test } from 'vitest';
import type { Identity } from '../src/identity.ts';
import type { Runtime } from '../src/internal.ts';
import { ReplyKey, type Making } from './fake-replies.ts';
import { CLOSE_BATCH, sealedCredential, type FakeOptions, type FakeSidecar } from './fake-sidecar.ts';
import { connected, sidecar } from './setup.ts';

const LOGIN: Making = { material: { username: 'v-close-1', password: 'canary-1' } };

type Reseal = NonNullable<FakeOptions['reseal']>;

function upstream(reseal?: Reseal): Promise<FakeSidecar> {
  const credentials = [...CLOSE_BATCH.credentials, sealedCredential('it', 'database')];
  return sidecar({ identities: [{ ...CLOSE_BATCH, credentials }], making: () => LOGIN, ...(reseal && { reseal }) });
}

/** Surroundings with a trust file that names the sidecar, but for `change`. */
function trusting(fake: FakeSidecar, change: Record<string, unknown> = {}): Partial<Runtime> {
  const file = { issuer: fake.options.issuer, replyKeys: [fake.replyKey.kid], ...change };
  return { env: { TALLYSTICK_TRUST: '/etc/tallystick/trust.json' }, readTrustFile: () => JSON.stringify(file) };
}

async function refusal(identity: Identity): Promise<TallystickError> {
  const error: unknown = await identity.credential('it', 'database').catch((fault: unknown) => fault);
  if (!TallystickError.is(error)) throw new Error('it was accepted');
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('canary');
  return error;
}

const stranger = new ReplyKey();
const reclaimed = (reply: CredentialReply, change: Partial<CredentialReply>): string =>
  formatReplyClaims({ ...reply, ...change });

describe('with a trust file', () => {
  test('an answer of the sidecar is taken', async () => {
    const fake = await upstream();
    const identity = await connected(fake, trusting(fake, { identity: CLOSE_BATCH.id }));
    expect((await identity.credential('it', 'database')).username).toBe('v-close-1');
    await identity.credential('ledger-api', 'access-token');
  });

  test('an answer re-sealed by a man in the middle with a key of his own is not', async () => {
    const fake = await upstream(({ request }, reply) => stranger.seal(formatReplyClaims(reply), request.sealTo));
    const error = await refusal(await connected(fake, trusting(fake)));
    expect(error.code).toBe('reply_untrusted');
    expect(error.message).toContain('find out who answers on the socket');
  });

  test('nor one that he signs under the name of the sidecar', async () => {
    const fake = await upstream(({ request }, reply) => {
      const [, payload, mark] = stranger.sign(formatReplyClaims(reply)).split('.');
      const [header] = fake.replyKey.sign('{}').split('.');
      return seal([header, payload, mark].join('.'), request.sealTo);
    });
    expect(await refusal(await connected(fake, trusting(fake)))).toMatchObject({ code: 'protocol_error' });
  });

  test('who connects by one shares nothing with who connected before without', async () => {
    const fake = await upstream(({ request }, reply) => stranger.seal(formatReplyClaims(reply), request.sealTo));
    const holders: Runtime['holders'] = new Map();
    await (await connected(fake, { holders })).credential('it', 'database');
    const error = await refusal(await connected(fake, { ...trusting(fake), holders }));
    expect(error.code).toBe('reply_untrusted');
  });

  test('the key that the sidecar signs with next is taken once the file names it', async () => {
    const next = new ReplyKey();
    const fake = await upstream(({ request }, reply) => next.seal(formatReplyClaims(reply), request.sealTo));
    let replyKeys = [fake.replyKey.kid];
    const identity = await connected(fake, {
      ...trusting(fake),
      readTrustFile: () => JSON.stringify({ issuer: fake.options.issuer, replyKeys }),
    });
    expect(await refusal(identity)).toMatchObject({ code: 'reply_untrusted' });
    replyKeys = [...replyKeys, next.kid];
    await identity.credential('it', 'database');
  });

  test('a squatter on the socket is found out at once: he is another issuer', async () => {
    const fake = await upstream();
    const runtime = trusting(fake, { issuer: 'https://tallystick.other.example' });
    await expect(connected(fake, runtime)).rejects.toMatchObject({ code: 'reply_untrusted' });
    expect(fake.seen.filter(({ proof }) => proof)).toEqual([]);
  });

  test('and one who says that he is the sidecar signs nothing that is taken', async () => {
    const honest = await upstream();
    const squatter = await upstream();
    const error = await refusal(await connected(squatter, trusting(honest)));
    expect(error.code).toBe('reply_untrusted');
  });

  test('the identity of the file is the one that is asked for, and no other may be', async () => {
    const fake = await upstream();
    const runtime = trusting(fake, { identity: 'spiffe://acme.example/payments/other' });
    await expect(connected(fake, runtime)).rejects.toMatchObject({ code: 'identity_mismatch' });
    await expect(connected(fake, runtime, { identity: CLOSE_BATCH.id })).rejects.toMatchObject({
      code: 'identity_mismatch',
      message: expect.stringContaining('the trust file says') as string,
    });
  });
});

describe('with a trust file and without', () => {
  const one = createOneTimeKey();

  test.each<[attack: string, reseal: (fake: FakeSidecar) => Reseal, says: RegExp]>([
    [
      'sealed to another one-time key',
      (fake) => (_, reply) => fake.replyKey.seal(formatReplyClaims(reply), one.jwk),
      /does not open/,
    ],
    [
      'that another workload opened, and sealed to us',
      (fake) =>
        ({ request }, reply) =>
          fake.replyKey.seal(reclaimed(reply, { sealedTo: one.thumbprint }), request.sealTo),
      /"ekt"/,
    ],
    ...(
      [
        ['issuer', 'https://other.example', '"iss"'],
        ['identity', 'spiffe://acme.example/other', '"aud"'],
        ['jkt', 'another', '"cnf.jkt"'],
        ['request', 'another', '"req"'],
        ['bth', 'another', '"bth"'],
        ['name', 'other-db', '"name"'],
        ['type', 'secret', '"type"'],
        ['expiresAt', new Date(0), 'expired'],
      ] as const
    ).map(([member, value, says]): [string, (fake: FakeSidecar) => Reseal, RegExp] => [
      `of the sidecar for another ${member}`,
      (fake) =>
        ({ request }, reply) =>
          fake.replyKey.seal(reclaimed(reply, { [member]: value }), request.sealTo),
      new RegExp(says),
    ]),
    ['that is no JWE', () => () => 'canary-1', /no JWE/],
    ['that is signed and not sealed', (fake) => (_, reply) => fake.replyKey.sign(formatReplyClaims(reply)), /no JWE/],
    [
      'that is sealed and not signed',
      () =>
        ({ request }, reply) =>
          seal(formatReplyClaims(reply), request.sealTo),
      /JWS/,
    ],
    [
      'of another type of JWT, by the same key',
      (fake) =>
        ({ request }, reply) => {
          const [header = '', ...rest] = fake.replyKey.sign(formatReplyClaims(reply)).split('.');
          const at = Buffer.from(header, 'base64url').toString().replace('tallystick-credential+jwt', 'at+jwt');
          return seal([Buffer.from(at).toString('base64url'), ...rest].join('.'), request.sealTo);
        },
      /not of the type/,
    ],
  ])('an answer %s is refused', async (_, resealed, says) => {
    const fake = await upstream((...args) => resealed(fake)(...args));
    for (const runtime of [{}, trusting(fake)]) {
      const error = await refusal(await connected(fake, runtime));
      expect(error.code).toBe('protocol_error');
      expect(error.message).toMatch(says);
    }
  });

  test('an answer of before is refused: it is for another request', async () => {
    let first: string | undefined;
    const fake = await upstream((_seen, _reply, honest) => (first ??= honest));
    const identity = await connected(fake);
    await identity.release(await identity.credential('it', 'database'));
    expect((await refusal(identity)).message).toMatch(/does not open/);
  });

  test('what is said of before, sealed anew to this request, is refused too', async () => {
    let first: CredentialReply | undefined;
    const fake = await upstream(({ request }, reply) => {
      first ??= reply;
      const sealedTo = reply.sealedTo;
      return fake.replyKey.seal(reclaimed(first, { sealedTo }), request.sealTo);
    });
    const identity = await connected(fake);
    await identity.release(await identity.credential('it', 'database'));
    expect((await refusal(identity)).message).toMatch(/"req"/);
  });

  test('a body that is no answer is refused', async () => {
    const fake = await upstream();
    for (const body of [{}, { sealed: 1 }, { credential: LOGIN.material }]) {
      fake.options.tamper = (path, answer) => (path === '/v1/credentials/it' ? body : answer);
      expect(await refusal(await connected(fake))).toMatchObject({ code: 'protocol_error' });
    }
  });

  test('a lease that was revoked meanwhile is not taken', async () => {
    const fake = await upstream();
    const identity = await connected(fake);
    const { leaseId } = await identity.credential('it', 'database');
    await fake.until(() => fake.streams === 1);
    const watch = identity.watch('it', 'database')[Symbol.asyncIterator]();
    await watch.next();
    fake.revoke(leaseId);
    await expect(watch.next()).rejects.toMatchObject({ code: 'credential_revoked' });
    fake.options.making = () => ({ ...LOGIN, leaseId });
    expect(await refusal(identity)).toMatchObject({ code: 'credential_revoked' });
  });
});

test('without a trust file whoever answers on the socket is believed, as the README says', async () => {
  const fake = await upstream(({ request }, reply) => stranger.seal(formatReplyClaims(reply), request.sealTo));
  const identity = await connected(fake);
  expect((await identity.credential('it', 'database')).password.reveal()).toBe('canary-1');
});
