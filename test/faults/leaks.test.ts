import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { findLeaks } from './leaks.ts';

const secret = randomBytes(32);
const leaksIn = (content: string | Buffer): string[] =>
  findLeaks([{ name: 'secret', bytes: secret }], [{ name: 'place', content: Buffer.from(content as string) }]).map(
    ({ form }) => form,
  );

test.each([
  ['as bytes', () => Buffer.concat([Buffer.from('x'), secret])],
  ['half of it', () => Buffer.concat([randomBytes(7), secret.subarray(16)])],
  ['in hex', () => `key=${secret.toString('hex')};`],
  ['in a printed Buffer', () => inspect({ secret })],
  ['in the JSON of a Buffer', () => JSON.stringify({ secret })],
  ['in a printed array', () => inspect([...secret])],
  ['in base64, one byte after another thing', () => Buffer.concat([Buffer.from('{'), secret]).toString('base64')],
  ['in base64url, two bytes after', () => Buffer.concat([Buffer.from('{"'), secret]).toString('base64url')],
  ['in a query', () => encodeURIComponent(secret.toString('base64'))],
  [
    'URL-encoded byte by byte',
    () => [...secret].map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join(''),
  ],
])('a secret is found %s', (_, write) => {
  expect(leaksIn(write())).not.toEqual([]);
});

test('a private key is found in PEM, alone and inside a JSON text, and its public half is none', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const canary = { name: 'd', bytes: Buffer.from(privateKey.export({ format: 'jwk' }).d!, 'base64url') };
  const pem = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })).export({
    type: 'sec1',
    format: 'pem',
  });
  const found = (content: string): number => findLeaks([canary], [{ name: 'p', content: Buffer.from(content) }]).length;
  expect(found(pem as string)).toBeGreaterThan(0);
  expect(found(JSON.stringify({ pem }))).toBeGreaterThan(0);
  expect(found(JSON.stringify(createPublicKey(privateKey).export({ format: 'jwk' })))).toBe(0);
});

test('nothing is found where there is nothing', () => {
  expect(leaksIn(randomBytes(100_000))).toEqual([]);
});
