import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scrubAttribute, scrubText } from '../src/index.ts';
import { isClean } from '../src/scrub.ts';

const JWT = `${Buffer.from('{"alg":"ES256"}').toString('base64url')}.${Buffer.from('{"sub":"x"}').toString('base64url')}.c2lnbmF0dXJl`;
const scrubbed = (text: string) => scrubText(text, 256);

describe('query parameters that carry credentials', () => {
  test.each([
    'X-Amz-Signature',
    'X-Amz-Credential',
    'X-Amz-Security-Token',
    'AWSAccessKeyId',
    'Signature',
    'sig',
    'X-Goog-Signature',
    'access_token',
    'id_token',
    'client_secret',
    'code',
    'assertion',
    'WebIdentityToken',
    'SAMLAssertion',
  ])('%s is redacted, in any case and place, and nothing else is', (name) => {
    expect(scrubbed(`https://sts.example/?Action=Get&${name}=canary&Version=1`)).toEqual({
      value: `https://sts.example/?Action=Get&${name}=REDACTED&Version=1`,
      rule: 'url',
    });
    expect(scrubbed(`https://sts.example/?${name.toUpperCase()}=canary#top`).value).not.toContain('canary');
    expect(scrubbed(`${name}=canary&x=1`).value).toBe(`${name}=REDACTED&x=1`);
  });

  test('a parameter whose name ends in one of them is left alone', () => {
    expect(scrubbed('https://a.example/?postcode=1010&mysig=2')).toEqual({
      value: 'https://a.example/?postcode=1010&mysig=2',
      rule: undefined,
    });
    expect(scrubbed('process ended with exit code=1').rule).toBeUndefined();
  });

  test('user information is redacted, a port or an e-mail address is not', () => {
    expect(scrubbed('postgres://app:canary@db.acme.example:5432/ledger').value).toBe(
      'postgres://REDACTED@db.acme.example:5432/ledger',
    );
    expect(scrubbed('https://a.example:8443/~x@y').rule).toBeUndefined();
    expect(scrubbed('mail me@acme.example').rule).toBeUndefined();
  });
});

describe('text that looks like a credential', () => {
  test.each([
    ['a JWT', JWT],
    ['a JWT that was cut', JWT.slice(0, JWT.lastIndexOf('.') - 3)],
    ['a JWE', `${JWT}.x.y`],
    ['an AWS access key id', 'AKIAIOSFODNN7EXAMPLE'],
    ['an AWS session key id', 'ASIAIOSFODNN7EXAMPLE'],
    ['a GitHub token', `ghp_${'a1'.repeat(18)}`],
    ['a Slack token', 'xoxb-1234567890-abcdef'],
    ['a key that begins with sk-', `sk-${'a1'.repeat(12)}`],
    ['a Vault token', `hvs.${'a1'.repeat(12)}`],
    ['a PEM block', '-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----'],
    ['a PEM block without an end', '-----BEGIN EC PRIVATE KEY-----\nMIGHAgEA'],
    ['an opaque bearer token', 'Bearer 8xLOxBtZp8b2YotnFZFEjr1zCsicMWpAA'],
  ])('%s is redacted wherever it stands', (_, secret) => {
    for (const text of [secret, `before ${secret}`, `{"token":"${secret}"}`, `x=${secret}`]) {
      const { value, rule } = scrubbed(text);
      expect(rule).toBe('shape');
      expect(value).toContain('REDACTED');
      expect(value).not.toContain(secret.slice(-12));
    }
  });

  test.each([
    'spiffe://acme.example/payments/close-batch',
    'ls_01KAB3N2C7V0Q8R5T4W6X9YZ0A',
    'GET /v1/journal/entries',
    'ask-someone-who-knows-about-the-question',
    'application/dpop+jwt',
    'Bearer authentication is not accepted here',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  ])('%s is left alone', (text) => {
    expect(scrubbed(text)).toEqual({ value: text, rule: undefined });
  });

  test('no token survives, whatever stands around it', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        const secret = randomBytes(24).toString('base64url');
        const token = `${JWT.slice(0, JWT.lastIndexOf('.'))}.${secret}`;
        expect(scrubText(`${before}${token} ${after}`, 4096).value).not.toContain(secret);
      }),
    );
  });
});

test('text is cut to the cap after the search, so that no half of a token stays', () => {
  expect(scrubText('x'.repeat(300), 256)).toEqual({ value: 'x'.repeat(256), rule: 'length' });
  expect(scrubText(`${'x'.repeat(240)} ${JWT}`, 256).value).toBe(`${'x'.repeat(240)} REDACTED`);
  expect(scrubText('x'.repeat(300), Infinity).rule).toBeUndefined();
});

test.each(['a.', '://', 'a://', 'eyJ', 'eyJ.', '-----BEGIN ', '-----BEGIN A-----', '?code=', 'Bearer ', 'a@'])(
  'the search takes time in proportion to the text: half a million characters of "%s" end before the test times out',
  (part) => {
    expect(scrubText(part.repeat(500_000 / part.length), 256).value.length).toBeLessThanOrEqual(256);
  },
);

test('numbers, booleans and clean arrays pass as they are; texts in arrays are read', () => {
  expect(scrubAttribute('a', 7, 256)).toEqual({ value: 7, rule: undefined });
  const clean = ['x', 'y'];
  expect(scrubAttribute('a', clean, 256).value).toBe(clean);
  expect(scrubAttribute('a', ['x', JWT], 256)).toEqual({ value: ['x', 'REDACTED'], rule: 'shape' });
});

test.each(['authorization', 'proxy-authorization', 'dpop', 'cookie', 'set-cookie', 'x-api-key', 'x-vault-token'])(
  'a captured %s header is redacted whole',
  (name) => {
    expect(scrubAttribute(`http.request.header.${name}`, ['canary'], 256)).toEqual({
      value: ['REDACTED'],
      rule: 'header',
    });
    expect(scrubAttribute(`http.response.header.x-${name}-hint`, ['fine'], 256).rule).toBeUndefined();
  },
);

test('what is called clean is what the scrubber leaves as it is', () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom(JWT, 'sig=canary', 'postgres://a:b@c', 'x'.repeat(300), 'a-request'),
  );
  const value = fc.oneof(text, fc.array(text, { maxLength: 3 }), fc.integer(), fc.boolean());
  const key = fc.constantFrom('a', 'http.request.header.cookie', 'http.request.header.accept');
  fc.assert(
    fc.property(key, value, (name, any) => {
      // Of arrays it does not say so: they are read one by one.
      if (isClean(name, any, 256)) expect(scrubAttribute(name, any, 256)).toEqual({ value: any, rule: undefined });
      else if (!Array.isArray(any)) expect(SUSPECTS.some((suspect) => suspect(name, any as string))).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

/** Why a text may have to be looked at. */
const SUSPECTS: readonly ((key: string, text: string) => boolean)[] = [
  (key) => key.endsWith('.cookie'),
  (_, text) => text.length > 256,
  (_, text) => /:\/\/|=|eyJ|AKIA|ASIA|-----|gh[pousr]_|xox|sk-|hv[sb]|Bearer|DPoP/i.test(text),
];
