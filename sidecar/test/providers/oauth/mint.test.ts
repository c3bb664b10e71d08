import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { describe, expect, test, vi } from 'vitest';
import type { OwnSecrets } from '../../../src/providers/own-secrets.ts';
import { UpstreamProofRequired } from '../../../src/providers/upstream-proof-required.ts';
import { temporaryFolder } from '../../listen/temporary-folder.ts';
import { CLIENT_SECRET, FEDERATION } from './authorization-server.ts';
import { LEDGER, openedOauth, wanted } from './opened-oauth.ts';

const BATCH = 'spiffe://acme.example/close-batch';

describe('a token of an authorization server', () => {
  test('is bound to the key of the workload, whose proof goes to the server as it came', async () => {
    const { server, mint, jkt, time } = await openedOauth();
    const made = await mint();
    const { token, ...others } = made.material as { token: string };
    expect(others).toEqual({ audience: LEDGER, scope: 'journal.read journal.write' });
    expect(decodeJwt(token)).toMatchObject({ cnf: { jkt }, aud: LEDGER });
    expect(made.expiresAtMs).toBe(Math.floor(time.nowMs() / 1000) * 1000 + 300_000);
    expect(made.handles).toEqual({ jti: 'jti-1' });
    expect(made.handle).toBeUndefined();
    expect(server.requests).toMatchObject([{ jkt, form: { grant_type: 'client_credentials' } }]);
  });

  test('is asked for with the scope that the entitlement leaves, and with no more', async () => {
    const { server, mint } = await openedOauth();
    expect((await mint({ scope: ['journal.read'] })).material).toMatchObject({ scope: 'journal.read' });
    expect(server.requests[0]!.form.scope).toBe('journal.read');
    await mint({ scope: [] });
    expect(server.requests[1]!.form).not.toHaveProperty('scope');
  });

  test('has the scope that the server has granted, where that is another', async () => {
    const { server, mint } = await openedOauth();
    server.members = { scope: 'journal.read profile' };
    expect((await mint()).material).toMatchObject({ scope: 'journal.read profile' });
    server.members = { scope: undefined };
    expect((await mint()).material).toMatchObject({ scope: 'journal.read journal.write' });
    server.claims = { scope: 'journal.read' };
    expect((await mint()).material).toMatchObject({ scope: 'journal.read' });
  });

  test.each([
    ['resource', undefined, 'resource'],
    ['audience', 'audience' as const, 'audience'],
    ['no parameter', 'none' as const, undefined],
  ])('names its audience as %s', async (_what, indicator, parameter) => {
    const { server, mint } = await openedOauth();
    server.claims = { aud: ['account', LEDGER] };
    await mint({ wanted: wanted({ indicator }) });
    const { resource, audience } = server.requests[0]!.form;
    expect({ resource, audience }).toEqual({
      resource: parameter === 'resource' ? LEDGER : undefined,
      audience: parameter === 'audience' ? LEDGER : undefined,
    });
  });

  test('lives no longer here than was asked for, and no longer than the server says in either way', async () => {
    const { server, mint, time } = await openedOauth();
    const now = Math.floor(time.nowMs() / 1000);
    expect((await mint({ lifetimeMs: 60_000 })).expiresAtMs).toBe(time.nowMs() + 60_000);
    server.claims = { exp: now + 30 };
    expect((await mint()).expiresAtMs).toBe((now + 30) * 1000);
    server.members = { expires_in: undefined };
    expect((await mint()).expiresAtMs).toBe((now + 30) * 1000);
  });

  test('may be opaque: then it is what its server says it is', async () => {
    const { server, mint, time } = await openedOauth();
    server.members = { access_token: 'opaque-token_1~', token_type: 'dpop' };
    const made = await mint();
    expect(made.material).toMatchObject({ token: 'opaque-token_1~' });
    expect(made).toMatchObject({ handles: {}, expiresAtMs: time.nowMs() + 300_000 });
  });
});

describe('the proof', () => {
  test('is asked for before anything is asked of the server, for the token endpoint of its metadata', async () => {
    const { server, provider, order } = await openedOauth();
    const error: unknown = await Promise.resolve(provider.requireApplicant!(order())).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(UpstreamProofRequired);
    expect(error).toMatchObject({ htu: server.tokenEndpoint, nonce: undefined });
    expect(server.requests).toEqual([]);
  });

  test('is asked for anew with the nonce that the server wants, and no further round is needed', async () => {
    const { server, mint } = await openedOauth();
    server.nonce = 'nonce-1';
    await mint();
    expect(server.requests).toHaveLength(2);
  });

  test('is asked for with the newest nonce from then on, also one that came with a token', async () => {
    const { server, mint } = await openedOauth();
    await mint();
    server.nonce = 'nonce-2';
    await mint();
    server.requests.length = 0;
    await mint(undefined, 1);
    expect(server.requests).toHaveLength(1);
  });

  test('is not asked for without end by a server that refuses its own nonce', async () => {
    const { server, refusal } = await openedOauth();
    server.answer = () => ({ status: 400, headers: { 'dpop-nonce': 'nonce-1' }, body: { error: 'use_dpop_nonce' } });
    server.nonce = 'nonce-1';
    expect(await refusal()).toMatchObject({ code: 'upstream_answer_invalid' });
    expect(server.requests).toHaveLength(2);
  });

  test('has no nonce that no proof could carry', async () => {
    const { server, refusal } = await openedOauth();
    server.answer = () => ({
      status: 400,
      headers: { 'dpop-nonce': 'a "quoted" one' },
      body: { error: 'use_dpop_nonce' },
    });
    expect(await refusal()).toMatchObject({ code: 'upstream_answer_invalid' });
  });
});

describe('the client proves itself', () => {
  test('by a JWT of its own key, for the issuer alone and for a minute (RFC 10070 §3)', async () => {
    const { server, mint } = await openedOauth();
    await mint();
    const { form } = server.requests[0]!;
    expect(form).toMatchObject({
      client_id: 'close-batch',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    });
    expect(decodeProtectedHeader(form.client_assertion!)).toMatchObject({
      typ: 'client-authentication+jwt',
      kid: 'client',
    });
    const claims = decodeJwt(form.client_assertion!);
    expect(claims).toMatchObject({ iss: 'close-batch', sub: 'close-batch', aud: server.issuer });
    expect(claims.jti).toMatch(/^ls_\d{26}-client$/);
  });

  test('as the client that the credential names, where it names one', async () => {
    const { server, refusal } = await openedOauth();
    server.answer = () => ({ status: 400, body: { error: 'invalid_client' } });
    await refusal({ wanted: wanted({ client: 'ledger-reader' }) }).catch(() => {});
    expect(server.requests[0]!.form.client_id).toBe('ledger-reader');
    expect(decodeJwt(server.requests[0]!.form.client_assertion!)).toMatchObject({ sub: 'ledger-reader' });
  });

  test('by a JWT-SVID of the workload itself', async () => {
    const client = { id: undefined, authentication: 'spiffe_jwt' as const, secret: undefined, secretFile: undefined };
    const { server, mint } = await openedOauth({ settings: () => ({ client }) });
    await mint();
    const { form } = server.requests[0]!;
    expect(form.client_assertion_type).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-spiffe');
    expect(form).not.toHaveProperty('client_id');
    expect(decodeJwt(form.client_assertion!)).toMatchObject({ sub: BATCH, aud: server.issuer });
    expect(decodeProtectedHeader(form.client_assertion!)).toMatchObject({ typ: 'JWT', kid: 'federation' });
  });

  test.each(['client_secret_basic', 'client_secret_post'] as const)(
    'by %s, whatever characters the secret has',
    async (authentication) => {
      const secretFile = join(temporaryFolder(), 'secret');
      await writeFile(secretFile, `${CLIENT_SECRET}\n`, { mode: 0o600 });
      const { server, mint } = await openedOauth({
        settings: () => ({ client: { id: 'close-batch', authentication, secret: undefined, secretFile } }),
      });
      await mint();
      expect(server.requests).toHaveLength(1);
      expect(server.requests[0]!.form).not.toHaveProperty('client_assertion');
    },
  );

  test('by a secret that is read anew for each request, and refused where others may read it', async () => {
    const secretFile = join(temporaryFolder(), 'secret');
    await writeFile(secretFile, 'an-old-secret', { mode: 0o600 });
    const client = { id: 'close-batch', authentication: 'client_secret_basic' as const, secret: undefined, secretFile };
    const { mint, refusal } = await openedOauth({ settings: () => ({ client }) });
    expect(await refusal()).toMatchObject({ code: 'upstream_login_refused' });
    await writeFile(secretFile, CLIENT_SECRET);
    await mint();
    await chmod(secretFile, 0o644);
    const error = await refusal();
    expect(error).toMatchObject({ code: 'upstream_login_refused', remedy: 'run "chmod 600" on it' });
    expect(error.message).toContain('names a file that others may read');
  });

  test.each([
    { of: 'the provider', id: 'close-batch', own: undefined, code: 'upstream_login_refused' },
    { of: 'the credential itself', id: undefined, own: 'close-batch', code: 'upstream_denied' },
  ] as const)(
    'by a secret that another provider has, and anew by what it has then when that was refused: as the client of $of',
    async ({ id, own, code }) => {
      const secret = { credential: 'sso-client', value: 'client_secret' };
      const client = { id, authentication: 'client_secret_basic' as const, secret, secretFile: undefined };
      const stored = ['an-old-secret', CLIENT_SECRET];
      const refused = vi.fn<OwnSecrets['refused']>(() => void stored.shift());
      const read = vi.fn<OwnSecrets['read']>(async () => stored[0]!);
      const { mint, refusal } = await openedOauth({
        settings: () => ({ client }),
        context: { ownSecrets: { read, refused } },
      });
      const order = { wanted: wanted({ client: own }) };
      expect(await refusal(order)).toMatchObject({ code });
      expect(refused.mock.calls).toEqual([['sso-client']]);
      await mint(order);
      expect(read).toHaveBeenLastCalledWith('sso-client', 'client_secret', expect.any(AbortSignal));
      expect(refused).toHaveBeenCalledTimes(1);
    },
  );
});

describe('the grant', () => {
  test('of a token exchange is for the identity that a JWT of our federation names (RFC 8693 §2.1)', async () => {
    const { server, mint } = await openedOauth();
    await mint({ wanted: wanted({ grant: 'token_exchange' }), process: { id: 'BP-1042', run: 'run-7' } });
    const { form } = server.requests[0]!;
    expect(form).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: LEDGER,
    });
    expect(form).not.toHaveProperty('resource');
    const { payload } = await jwtVerify(form.subject_token!, server.trusted, {
      issuer: FEDERATION,
      audience: server.issuer,
      subject: BATCH,
      currentDate: new Date('2026-11-22T12:00:00Z'),
    });
    expect(payload.tallystick).toEqual({
      lease: payload.jti,
      owner: { id: 'team-payments', kind: 'team' },
      environment: 'production',
      process: 'BP-1042',
    });
  });

  test('of a JWT is one of our federation, typed as a grant (RFC 7523 §2.1, RFC 10070)', async () => {
    const { server, mint } = await openedOauth();
    await mint({ wanted: wanted({ grant: 'jwt_bearer' }) });
    const { form } = server.requests[0]!;
    expect(form.grant_type).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    expect(decodeProtectedHeader(form.assertion!)).toMatchObject({ typ: 'authorization-grant+jwt', kid: 'federation' });
    expect(decodeJwt(form.assertion!)).toMatchObject({ iss: FEDERATION, sub: BATCH, aud: server.issuer });
  });
});
