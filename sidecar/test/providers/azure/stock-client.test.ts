import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClientAssertionCredential } from '@azure/identity';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publishedFederation, type PublishedFederation } from '../federation/published-federation.ts';
import { startAzureJudge, type AzureJudge } from './azure-judge.ts';

const SCOPE = 'https://vault.azure.net/.default';
const AUDIENCE = 'api://AzureADTokenExchange';
const now = (): number => Math.floor(Date.now() / 1000);
const tls = (name: string): string => readFileSync(join(import.meta.dirname, '../../listen/tls', name), 'utf8');

let federation: PublishedFederation;
let judge: AzureJudge;
beforeAll(async () => {
  federation = await publishedFederation();
  // Microsoft's library speaks https alone.
  const certificate = { cert: tls('first.crt'), key: tls('first.key') };
  judge = await startAzureJudge({ dir: federation.dir, issuer: federation.url, tls: certificate });
});
afterAll(async () => {
  await judge.stop();
  federation.remove();
});

describe("the judge takes what Microsoft's own library sends", () => {
  const credential = (alg: 'ES256' | 'RS256') =>
    new ClientAssertionCredential(
      judge.tenant,
      judge.client,
      () => federation.keys.sign('federation', { sub: 'stock', aud: AUDIENCE, exp: now() + 300 }, { alg }),
      {
        authorityHost: judge.url,
        disableInstanceDiscovery: true,
        tlsOptions: { ca: tls('first.crt') },
        retryOptions: { maxRetries: 0 },
      },
    );

  test('with a JWT of ours by RS256', async () => {
    const { token } = await credential('RS256').getToken(SCOPE);
    expect([judge.accepts(token), judge.faults]).toEqual([true, []]);
  });

  test('and refuses one by ES256, with the number that it is refused with there', async () => {
    await expect(credential('ES256').getToken(SCOPE)).rejects.toThrow('AADSTS5002738');
  });
});

describe('the judge refuses', () => {
  let plain: AzureJudge;
  beforeAll(async () => {
    plain = await startAzureJudge({ dir: federation.dir, issuer: federation.url });
  });
  afterAll(() => plain.stop());
  const sign = (claims: object): Promise<string> =>
    federation.keys.sign('federation', { sub: 'a', aud: AUDIENCE, exp: now() + 300, ...claims }, { alg: 'RS256' });
  const ask = async (members: Record<string, string>, tenant = plain.tenant): Promise<unknown> => {
    const form = {
      grant_type: 'client_credentials',
      client_id: plain.client,
      scope: SCOPE,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await sign({}),
      ...members,
    };
    const answer = await fetch(`${plain.url}/${tenant}/oauth2/v2.0/token`, {
      method: 'POST',
      body: new URLSearchParams(form),
    });
    const body = (await answer.json()) as { error_codes?: number[] };
    return body.error_codes?.[0] ?? answer.status;
  };

  test('forms that lack what must be there, or have what Entra does not know', async () => {
    expect(await ask({})).toBe(200);
    expect(await ask({ client_assertion: '' })).toBe(900144);
    expect(await ask({ grant_type: 'password' })).toBe(70003);
    expect(await ask({ client_assertion_type: 'jwt' })).toBe(90023);
    expect(await ask({ client_secret: 'x' })).toBe(90023);
    expect(await ask({ client_id: '00000000-0000-0000-0000-000000000000' })).toBe(700016);
    expect(await ask({ scope: 'https://vault.azure.net' })).toBe(1002012);
    expect(await ask({ scope: `${SCOPE} https://graph.microsoft.com/.default` })).toBe(1002012);
    expect(await ask({ scope: 'https://nobody.example/.default' })).toBe(500011);
    expect(await ask({}, 'other')).toBe(90002);
  });

  test('assertions of another key, issuer, audience or time', async () => {
    const good = await sign({});
    const [header, payload, signature] = good.split('.') as [string, string, string];
    const other = Buffer.from(JSON.stringify({ iss: federation.url, sub: 'b', aud: AUDIENCE })).toString('base64url');
    expect(await ask({ client_assertion: 'x' })).toBe(50027);
    expect(await ask({ client_assertion: `${header}.${other}.${signature}` })).toBe(50013);
    expect(
      await ask({
        client_assertion: `${Buffer.from('{"alg":"RS256","kid":"x"}').toString('base64url')}.${payload}.${signature}`,
      }),
    ).toBe(50013);
    expect(
      await ask({ client_assertion: await federation.keys.sign('client', { iss: federation.url, sub: 'a' }) }),
    ).toBe(5002738);
    expect(await ask({ client_assertion: await sign({ aud: 'api://other' }) })).toBe(700212);
    expect(await ask({ client_assertion: await sign({ exp: now() - 1 }) })).toBe(700024);
    expect(await ask({ client_assertion: await sign({ iat: now() + 60 }) })).toBe(700024);
    plain.trust(['b']);
    expect(await ask({})).toBe(700213);
    plain.trust(undefined);
  });

  test('tokens that are for another resource than a vault, and readings without a version of the API', async () => {
    const read = (token: string, path: string): Promise<number> =>
      fetch(`${plain.url}${path}`, { headers: { authorization: `Bearer ${token}` } }).then(({ status }) => status);
    const tokenFor = async (scope: string): Promise<string> => {
      const before = plain.secrets();
      await ask({ scope });
      return plain.secrets().find((one) => !before.includes(one))!;
    };
    const [forVault, forGraph] = [await tokenFor(SCOPE), await tokenFor('https://graph.microsoft.com/.default')];
    expect(await read(forVault, '/secrets/ledger-key?api-version=7.4')).toBe(200);
    expect(await read(forVault, '/secrets/ledger-key')).toBe(400);
    expect(await read(forVault, '/secrets/other?api-version=7.4')).toBe(404);
    expect(await read(forGraph, '/secrets/ledger-key?api-version=7.4')).toBe(401);
    expect(await read('ey.none', '/secrets/ledger-key?api-version=7.4')).toBe(401);
  });
});
