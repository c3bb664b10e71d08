import { hash, X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import { Secret, type X509Credential } from '@tallystick/core';
import { accessTokenHash, generateHolderKey } from '@tallystick/dpop';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { isUsable, momentOf } from '../src/held-credential.ts';
import { holdBoundToken, holdToken } from '../src/held-token.ts';
import { makeX509Key } from '../src/x509-key.ts';
import { CLOSE_BATCH, LEDGER } from './fake-sidecar.ts';
import { manualTime } from './manual-time.ts';
import { onPath } from './on-path.ts';
import { openssl } from './openssl-authority.ts';

const key = await generateHolderKey();
const HOLDER = { id: CLOSE_BATCH.id, key };
const time = manualTime();
const asked = momentOf(time.clock);
const answer = (accessToken: string, expiresIn = 900, rotateInMs = 450_000) => ({
  accessToken,
  tokenType: 'DPoP' as const,
  expiresIn,
  scope: 'a b',
  leaseId: 'ls_1',
  rotateAt: new Date(asked.wallMs + rotateInMs),
  recordId: 'rec',
});
const jwt = (claims: Record<string, unknown>): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new Uint8Array(32));
const hold = (accessToken: string, expiresIn?: number, rotateInMs?: number) =>
  holdToken(LEDGER, answer(accessToken, expiresIn, rotateInMs), asked, HOLDER);

describe('the token of an answer', () => {
  test('is a frozen snapshot that prints no secret', () => {
    const held = hold('canary-token');
    expect(Object.isFrozen(held.credential)).toBe(true);
    expect(held.credential.token).toBeInstanceOf(Secret);
    expect(held.credential).toMatchObject({
      name: 'ledger-api',
      binding: 'dpop',
      delivery: 'plain',
      leaseId: 'ls_1',
      scope: 'a b',
    });
    expect(held.ath).toBe(accessTokenHash('canary-token'));
    for (const text of [
      JSON.stringify(held),
      inspect(held, { showHidden: true, depth: 9 }),
      String(held.authorization),
    ]) {
      expect(text).not.toContain('canary-token');
    }
  });

  test('lives from the moment it was asked for, less the last second of whole seconds', () => {
    const held = hold('x', 10);
    expect(held.credential.expiresAt.getTime()).toBe(asked.wallMs + 10_000);
    const clock = (ms: number) => ({ nowMs: () => asked.wallMs + ms, monotonicMs: () => asked.monotonicMs + ms });
    expect(isUsable(held, clock(8999))).toBe(true);
    expect(isUsable(held, clock(9000))).toBe(false);
  });

  test.each([
    ['in the middle', 450_000, 450_000],
    ['in the past: not at every use', -5000, 1000],
    ['after its end: no later than that', 9_000_000, 900_000],
  ])('is replaced when the sidecar says: %s', (_, rotateInMs, expected) => {
    expect(hold('x', 900, rotateInMs).refreshAtMs - asked.monotonicMs).toBe(expected);
  });

  test.each([0, -1])('is refused when it lives for %i s', (seconds) => {
    expect(() => hold('x', seconds)).toThrow(expect.objectContaining({ code: 'protocol_error' }));
  });
});

describe('what a token shows openly', () => {
  test('another key is refused', async () => {
    const token = await jwt({ sub: HOLDER.id, cnf: { jkt: 'another' } });
    expect(() => hold(token)).toThrow(
      expect.objectContaining({ code: 'protocol_error', message: expect.not.stringContaining(token) }),
    );
  });

  test('another identity is refused', async () => {
    const token = await jwt({ sub: 'spiffe://acme.example/other', cnf: { jkt: key.jkt } });
    expect(() => hold(token)).toThrow(expect.objectContaining({ code: 'identity_mismatch' }));
  });

  describe.skipIf(!onPath('openssl'))('of a certificate that it is to be bound to', () => {
    const ledger = { ...LEDGER, certificate: 'batch-tls', binding: 'mtls' };
    const certify = async () => {
      const { applicant } = await makeX509Key();
      const certificate = openssl()(Buffer.from(applicant.csr!, 'base64'));
      const x5t = hash('sha256', new X509Certificate(certificate).raw, 'base64url');
      return { certificate: { certificate } as X509Credential, x5t };
    };

    test('and nothing else is kept, as a Bearer token', async () => {
      const { certificate, x5t } = await certify();
      const token = await jwt({ sub: HOLDER.id, cnf: { 'x5t#S256': x5t } });
      const held = holdBoundToken(ledger, answer(token), asked, { id: HOLDER.id, certificate });
      expect(held.credential).toMatchObject({ binding: 'mtls', delivery: 'plain', leaseId: 'ls_1' });
      expect(held.authorization.reveal()).toBe(`Bearer ${token}`);
    });

    test('is refused where it shows another, another key beside it, none, or nothing', async () => {
      const { certificate, x5t } = await certify();
      const other = (await certify()).x5t;
      const bindings = [{ 'x5t#S256': other }, { 'x5t#S256': x5t, jkt: key.jkt }, { jkt: key.jkt }, {}, undefined, x5t];
      const tokens = await Promise.all(bindings.map((cnf) => jwt({ sub: HOLDER.id, cnf })));
      for (const token of [...tokens, 'opaque', 'a.b.c']) {
        expect(() => holdBoundToken(ledger, answer(token), asked, { id: HOLDER.id, certificate })).toThrow(
          expect.objectContaining({ code: 'protocol_error', message: expect.not.stringContaining(token) }),
        );
      }
    });

    test('is refused for another identity', async () => {
      const { certificate, x5t } = await certify();
      const token = await jwt({ sub: 'spiffe://acme.example/other', cnf: { 'x5t#S256': x5t } });
      expect(() => holdBoundToken(ledger, answer(token), asked, { id: HOLDER.id, certificate })).toThrow(
        expect.objectContaining({ code: 'identity_mismatch' }),
      );
    });
  });

  test('ours is kept, and so is one that shows nothing', async () => {
    hold(await jwt({ sub: HOLDER.id, cnf: { jkt: key.jkt } }));
    for (const token of ['opaque', 'a.b.c', 'a.bnVsbA.c', 'a.WzFd.c']) hold(token);
  });
});
