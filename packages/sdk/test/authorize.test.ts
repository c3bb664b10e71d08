import { request as httpRequest } from 'node:http';
import { readProof } from '@tallystick/dpop';
import { expect, test } from 'vitest';
import { api, connected, sidecar } from './setup.ts';

test('the headers are good for one request of any HTTP client', async () => {
  const fake = await sidecar();
  const server = await api(fake);
  const identity = await connected(fake);
  const url = `${server.origin}/journal?x=1`;
  const send = async (headers: Readonly<Record<string, string>>): Promise<number> =>
    new Promise((resolve, reject) => {
      const request = httpRequest(url, { method: 'POST', headers }, (response) =>
        resolve(response.resume().statusCode!),
      );
      request.on('error', reject).end('x');
    });
  const headers = await identity.authorize({ method: 'POST', url });
  expect(await send({ ...headers })).toBe(200);
  expect(await send({ ...headers })).toBe(401);
  expect(await send({ ...(await identity.authorize({ method: 'GET', url: new URL(url) })) })).toBe(401);
  expect(await send({ ...(await identity.authorize({ method: 'post', url })) })).toBe(200);
});

test('the headers are for the URL that was asked for, though it is changed before they are there', async () => {
  const fake = await sidecar();
  const server = await api(fake);
  const identity = await connected(fake);
  const url = new URL(`${server.origin}/journal`);
  const asked = identity.authorize({ method: 'GET', url });
  url.pathname = '/other';
  expect(readProof((await asked).dpop).htu).toBe(`${server.origin}/journal`);
});

test('a nonce that the caller got is sent, and kept for that origin', async () => {
  const fake = await sidecar();
  const server = await api(fake);
  const identity = await connected(fake);
  const url = `${server.origin}/`;
  const nonceOf = async (nonce?: string): Promise<string | undefined> =>
    readProof((await identity.authorize({ method: 'GET', url, ...(nonce !== undefined && { nonce }) })).dpop).nonce;
  expect(await nonceOf()).toBeUndefined();
  expect(await nonceOf('n-1')).toBe('n-1');
  expect(await nonceOf()).toBe('n-1');
  expect(await nonceOf('no nonce')).toBe('n-1');
});

test('prefixes hold, and the named credential wins', async () => {
  const fake = await sidecar();
  const server = await api(fake, '/api/');
  const identity = await connected(fake);
  const code = (expected: string) => expect.objectContaining({ code: expected });
  await expect(identity.authorize({ method: 'GET', url: `${server.origin}/other` })).rejects.toEqual(
    code('url_not_covered'),
  );
  await expect(
    identity.authorize({ method: 'GET', url: `${server.origin}/other`, credential: 'ledger-api' }),
  ).rejects.toEqual(code('url_not_covered'));
  await expect(identity.authorize({ method: 'GET', url: `${server.origin}/api/`, credential: 'x' })).rejects.toEqual(
    code('not_entitled'),
  );
});
