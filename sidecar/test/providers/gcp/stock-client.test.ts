import { createHmac } from 'node:crypto';
import { IdentityPoolClient } from 'google-auth-library';
import { describe, expect, test } from 'vitest';
import { openedGcp } from './opened-gcp.ts';

const AUDIENCE =
  'https://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/tallystick/providers/sidecars';
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const now = (): number => Math.floor(Date.now() / 1000);

describe("the judge takes what Google's own library sends", () => {
  test.each(['ES256', 'RS256'] as const)('with a JWT of ours by %s, and impersonates by it', async (alg) => {
    const { judge, federation } = await openedGcp();
    const jwt = await federation.keys.sign('federation', { sub: 'stock', aud: AUDIENCE, exp: now() + 300 }, { alg });
    const client = new IdentityPoolClient({
      type: 'external_account',
      audience: judge.audience,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${judge.url}/v1/token`,
      service_account_impersonation_url: `${judge.url}/v1/projects/-/serviceAccounts/${judge.serviceAccount}:generateAccessToken`,
      service_account_impersonation: { token_lifetime_seconds: 600 },
      subject_token_supplier: { getSubjectToken: async () => jwt },
    });
    client.scopes = [SCOPE];
    const { token } = await client.getAccessToken();
    expect(judge.accepts(token!)).toBe(true);
    expect(judge.faults).toEqual([]);
    const secret = await client.request({ url: `${judge.url}/v1/${judge.secret}/versions/latest:access` });
    expect(secret.data).toMatchObject({ name: 'projects/123456789012/secrets/ledger-key/versions/4' });
  });
});

describe('the judge refuses', () => {
  const form = (jwt: string, judge: { audience: string }): Record<string, string> => ({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience: judge.audience,
    scope: SCOPE,
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token: jwt,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  });
  const post = (url: string, body: string | URLSearchParams, type = 'application/x-www-form-urlencoded') =>
    fetch(`${url}/v1/token`, { method: 'POST', body, headers: { 'content-type': type } });

  test('a form that is none, has a parameter twice, lacks one, or has one that there is not', async () => {
    const { judge, federation } = await openedGcp();
    const jwt = await federation.keys.sign('federation', { sub: 'a', aud: AUDIENCE, exp: now() + 300 });
    const good = form(jwt, judge);
    expect((await post(judge.url, new URLSearchParams(good))).status).toBe(200);
    const bad: [string | URLSearchParams, string?][] = [
      [JSON.stringify(good), 'application/json'],
      [`${new URLSearchParams(good).toString()}&scope=${encodeURIComponent(SCOPE)}`],
      [new URLSearchParams({ ...good, client_id: 'x' })],
      [new URLSearchParams({ ...good, grant_type: 'client_credentials' })],
      [new URLSearchParams({ ...good, requested_token_type: '' })],
      [new URLSearchParams({ ...good, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token' })],
      [new URLSearchParams({ ...good, scope: 'ledger' })],
      [new URLSearchParams({ ...good, audience: `https:${judge.audience}` })],
    ];
    for (const [body, type] of bad) expect((await post(judge.url, body, type)).status).toBe(400);
    expect(judge.faults).toHaveLength(bad.length);
  });

  test('a JWT with another key, algorithm, issuer, audience or life than the published ones', async () => {
    const { judge, federation } = await openedGcp();
    const claims = { sub: 'a', aud: AUDIENCE, exp: now() + 300 };
    const jwt = await federation.keys.sign('federation', claims);
    const [header, payload, signature] = jwt.split('.') as [string, string, string];
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const read = (text: string): Record<string, unknown> =>
      JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
    const { kid } = read(header);
    const hmac = `${part({ alg: 'HS256', kid })}.${payload}`;
    const bad: [string, string][] = [
      ['malformed', 'x.y'],
      [
        'header',
        `${hmac}.${createHmac('sha256', kid as string)
          .update(hmac)
          .digest('base64url')}`,
      ],
      ['header', `${part({ alg: 'none', kid })}.${payload}.${signature}`],
      ['header', `${part({ alg: 'ES256' })}.${payload}.${signature}`],
      ['header', `${part({ ...read(header), jku: 'https://evil.example' })}.${payload}.${signature}`],
      ['key', `${part({ alg: 'ES256', kid: 'other' })}.${payload}.${signature}`],
      ['key', `${part({ alg: 'RS256', kid })}.${payload}.${signature}`],
      ['key', await federation.keys.sign('client', { ...claims, iss: federation.url })],
      ['signature', `${header}.${part({ ...read(payload), sub: 'b' })}.${signature}`],
      ['audience', await federation.keys.sign('federation', { ...claims, aud: 'https://elsewhere.example' })],
      ['time', await federation.keys.sign('federation', { ...claims, exp: now() - 1 })],
      ['time', await federation.keys.sign('federation', { ...claims, iat: now() + 60 })],
      ['time', await federation.keys.sign('federation', { ...claims, exp: now() + 48 * 3600 })],
      ['subject', await federation.keys.sign('federation', { ...claims, sub: '' })],
    ];
    for (const [fault, token] of bad) {
      expect((await post(judge.url, new URLSearchParams(form(token, judge)))).status).toBe(400);
      expect(judge.faults.at(-1)).toBe(`subject_token: ${fault}`);
    }
  });

  test('what a token does not reach: a longer life, another account, no scope, and a token that is none', async () => {
    const { judge, provider, order } = await openedGcp();
    const { material } = await provider.mint(order({}));
    const { token } = material as { token: string };
    const impersonate = (body: object, account = judge.serviceAccount, bearer = token) =>
      fetch(`${judge.url}/v1/projects/-/serviceAccounts/${account}:generateAccessToken`, {
        method: 'POST',
        headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }).then(({ status }) => status);
    expect(await impersonate({ scope: [SCOPE] })).toBe(200);
    expect(await impersonate({ scope: [SCOPE], lifetime: '3601s' })).toBe(400);
    expect(await impersonate({ scope: [SCOPE], lifetime: 600 })).toBe(400);
    expect(await impersonate({ scope: [] })).toBe(400);
    expect(await impersonate({ scope: SCOPE })).toBe(400);
    expect(await impersonate({ scope: [SCOPE], audience: 'x' })).toBe(400);
    expect(await impersonate({ scope: [SCOPE] }, 'other@acme-prod.iam.gserviceaccount.com')).toBe(403);
    expect(await impersonate({ scope: [SCOPE] }, judge.serviceAccount, 'ya29.none')).toBe(401);
  });
});
