import { describe, expect, test } from 'vitest';
import { metadataUrls, readServerMetadata } from '../../../src/providers/oauth/server-metadata.ts';
import { openedOauth, wanted } from './opened-oauth.ts';

describe('the metadata of an authorization server', () => {
  test('is looked for where RFC 8414 §3.1 has it, then where OpenID Connect has it', async () => {
    expect(metadataUrls('https://sso.acme.example/realms/prod')).toEqual([
      'https://sso.acme.example/.well-known/oauth-authorization-server/realms/prod',
      'https://sso.acme.example/realms/prod/.well-known/openid-configuration',
    ]);
    expect(metadataUrls('https://sso.acme.example/')).toEqual([
      'https://sso.acme.example/.well-known/oauth-authorization-server',
      'https://sso.acme.example/.well-known/openid-configuration',
    ]);
    const { server, mint } = await openedOauth({ openid: true });
    await mint();
    expect(server.metadataRequests).toEqual([
      '/.well-known/oauth-authorization-server/realms/prod',
      '/realms/prod/.well-known/openid-configuration',
    ]);
  });

  test('is read once for many that ask at once, and again after an hour', async () => {
    const { server, mint, time } = await openedOauth();
    await Promise.all([mint(), mint(), mint()]);
    time.advance(3_599_000);
    await mint();
    expect(server.metadataRequests).toHaveLength(1);
    time.advance(2000);
    await mint();
    expect(server.metadataRequests).toHaveLength(2);
  });

  test('that was read before is good on while the server does not answer, which is asked again after a minute', async () => {
    const { server, mint, time } = await openedOauth();
    await mint();
    server.metadata = () => ({ status: 503, body: 'away' });
    time.advance(3_601_000);
    await mint();
    expect(server.metadataRequests).toHaveLength(2);
    server.metadata = () => undefined;
    time.advance(60_000);
    await mint();
    expect(server.metadataRequests).toHaveLength(3);
  });

  test('that could not be read is asked for by the next order', async () => {
    const { server, mint, refusal } = await openedOauth();
    server.metadata = () => ({ status: 503, body: 'away' });
    expect(await refusal()).toMatchObject({ code: 'upstream_unavailable' });
    server.metadata = () => undefined;
    await mint();
  });

  test.each<[string, Record<string, unknown>]>([
    ['of another issuer', { issuer: 'https://sso.acme.example/realms/other' }],
    ['of an issuer with a slash more', { issuer: 'https://sso.acme.example/realms/prod/' }],
    ['without an issuer', { issuer: undefined }],
    ['without a token endpoint', { token_endpoint: undefined }],
    ['with a token endpoint in clear', { token_endpoint: 'http://sso.acme.example/token' }],
    ['with a token endpoint that carries a login', { token_endpoint: 'https://u:p@sso.acme.example/token' }],
    ['with a token endpoint that is a script', { token_endpoint: 'javascript:alert(1)' }],
  ])('%s is refused', (_what, members) => {
    const issuer = 'https://sso.acme.example/realms/prod';
    const good = { issuer, token_endpoint: 'https://sso.acme.example/realms/prod/token' };
    expect(readServerMetadata('sso', issuer, good)).toMatchObject({ tokenEndpoint: good.token_endpoint });
    expect(() => readServerMetadata('sso', issuer, { ...good, ...members })).toThrow(
      expect.objectContaining({ code: 'upstream_answer_invalid' }),
    );
  });

  test('that is nowhere, or is a page for people, is told with what to do', async () => {
    const { server, refusal } = await openedOauth();
    server.metadata = () => ({ status: 404, body: 'canary' });
    expect((await refusal()).message).toMatch(/no metadata under its issuer; correct "issuer"/);
    server.metadata = () => ({ body: '<html>canary</html>' });
    expect(await refusal()).toMatchObject({ code: 'upstream_answer_invalid' });
    server.metadata = () => ({ status: 301, headers: { location: server.tokenEndpoint }, body: '' });
    expect(await refusal()).toMatchObject({ code: 'upstream_answer_invalid' });
  });

  test('is not asked for where the token endpoint is named', async () => {
    const { server, mint } = await openedOauth({ settings: ({ tokenEndpoint }) => ({ tokenEndpoint }) });
    await mint();
    expect(server.metadataRequests).toEqual([]);
  });
});

describe('a check of the server', () => {
  test('finds nothing amiss where its metadata lists what is needed, and mints nothing', async () => {
    const { server, provider } = await openedOauth();
    const findings = await provider.check(wanted(), new AbortController().signal);
    expect(findings.map(({ ok, what }) => [ok, what])).toEqual([
      [true, 'proofs'],
      [true, 'grant'],
      [true, 'client'],
    ]);
    expect(server.requests).toEqual([]);
  });

  test('names proofs, grant and client where its metadata lists others, with what to do upstream', async () => {
    const { server, provider } = await openedOauth();
    server.metadata = (members) => ({
      body: {
        ...members,
        dpop_signing_alg_values_supported: ['RS256'],
        grant_types_supported: ['authorization_code'],
        token_endpoint_auth_methods_supported: ['client_secret_basic'],
      },
    });
    const findings = await provider.check(wanted(), new AbortController().signal);
    expect(findings.map(({ ok, remedy }) => ok || remedy === undefined)).toEqual([false, false, false]);
  });

  test('does not hold it against a server that its metadata lists no method of a draft, as that of Keycloak', async () => {
    const client = { id: undefined, authentication: 'spiffe_jwt' as const, secret: undefined, secretFile: undefined };
    const { server, provider } = await openedOauth({ settings: () => ({ client }) });
    server.metadata = (members) => ({
      body: { ...members, token_endpoint_auth_methods_supported: ['private_key_jwt'] },
    });
    const findings = await provider.check(wanted(), new AbortController().signal);
    expect(findings.find(({ what }) => what === 'client')).toMatchObject({
      ok: true,
      message: 'its metadata does not list spiffe_jwt, which a server may take all the same',
    });
  });

  test('says why it cannot be read', async () => {
    const { server, provider } = await openedOauth();
    server.metadata = () => ({ body: { issuer: 'https://other.example' } });
    expect(await provider.check(wanted(), new AbortController().signal)).toMatchObject([
      { ok: false, what: 'metadata', message: 'the metadata of "sso" is that of another issuer' },
    ]);
  });
});
