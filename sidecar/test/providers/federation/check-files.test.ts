import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TallystickError } from '@tallystick/core';
import { expect, onTestFinished, test } from 'vitest';
import { checkFederationFiles } from '../../../src/providers/federation/check-files.ts';
import type { UpstreamAnswer } from '../../../src/providers/upstream-http.ts';
import { publishedFederation, type PublishedFederation } from './published-federation.ts';

/** A web server that shows the folder of a federation under its URL. */
const showing = ({ url, dir }: PublishedFederation) => ({
  async send(request: { readonly url: string }): Promise<UpstreamAnswer> {
    expect(request.url.startsWith(`${url}/`)).toBe(true);
    try {
      return { status: 200, headers: {}, text: readFileSync(join(dir, request.url.slice(url.length)), 'utf8') };
    } catch {
      return { status: 404, headers: {}, text: '<html>' };
    }
  },
});

async function published(): Promise<{
  federation: PublishedFederation;
  check: () => ReturnType<typeof checkFederationFiles>;
}> {
  const federation = await publishedFederation();
  onTestFinished(federation.remove);
  const jwt = await federation.keys.sign('federation', { sub: 'a' });
  return { federation, check: () => checkFederationFiles(showing(federation), jwt, new AbortController().signal) };
}

test('files that are published are found whole', async () => {
  const { check } = await published();
  expect(await check()).toEqual({
    ok: true,
    what: 'federation https://identity.acme.example/eu-1',
    message: 'its files have the key that signs now',
  });
});

test.each([
  ['that are not there', '.well-known/openid-configuration', undefined, 'not where its URL says'],
  ['without keys', 'jwks.json', undefined, 'not where its URL says'],
  ['that are no JSON', 'jwks.json', '<html>', 'not where its URL says'],
  ['that lack the key', 'jwks.json', '{"keys":[]}', 'lack the key that signs now'],
  ['of nothing', 'jwks.json', '{"keys":[null,7]}', 'lack the key that signs now'],
  ['of another issuer', '.well-known/openid-configuration', '{"issuer":"https://other.example"}', 'another issuer'],
  [
    'that lead to a place without https',
    '.well-known/openid-configuration',
    '{"issuer":"https://identity.acme.example/eu-1","jwks_uri":"http://identity.acme.example/jwks.json"}',
    'not where its URL says',
  ],
])('files %s come with the command that publishes', async (_what, name, content, words) => {
  const { federation, check } = await published();
  const path = join(federation.dir, name);
  await (content === undefined ? rm(path) : writeFile(path, content));
  expect(await check()).toMatchObject({
    ok: false,
    message: expect.stringContaining(words) as string,
    remedy: expect.stringContaining('tallystick issuer publish') as string,
  });
  await federation.publish();
  expect(await check()).toMatchObject({ ok: true });
});

test('a network that does not reach them says nothing against them', async () => {
  const { federation } = await published();
  const http = { send: () => Promise.reject(new TallystickError('upstream_unavailable', 'no route')) };
  const jwt = await federation.keys.sign('federation', { sub: 'a' });
  expect(await checkFederationFiles(http, jwt, new AbortController().signal)).toMatchObject({
    ok: true,
    message: expect.stringContaining('cannot be reached from here') as string,
  });
});
