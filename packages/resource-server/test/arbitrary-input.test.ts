import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Refusal, type IncomingRequest } from '../src/index.ts';
import { openApi, proofOf, type TestApi } from './api.ts';
import { parseChallenges } from './challenges.ts';

const api = await openApi();

/** Text of which some looks like a token, a proof or a part of one. */
const piece = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.base64String({ maxLength: 60 }),
  fc.json({ maxDepth: 3 }).map((json) => Buffer.from(json).toString('base64url')),
  fc.constantFrom('', ' ', ',', '.', '"', 'DPoP', 'DPoP ', 'Bearer ', '\u0000', '\ud800', 'e30'),
);
const compact = fc.array(piece, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.'));
const headerText = fc.oneof(
  piece,
  compact,
  compact.map((text) => `DPoP ${text}`),
  compact.map((text) => `Bearer ${text}`),
);
const headerName = fc.constantFrom(
  'Authorization',
  'authorization',
  'DPoP',
  'dpop',
  'Host',
  'X-Forwarded-Host',
  'Accept',
  ':authority',
);

/** Checks that the request is refused in good form, and never for reasons of ours. */
async function expectRefusal({ verifier }: TestApi, request: IncomingRequest): Promise<void> {
  const outcome: unknown = await verifier.verify(request).then(
    () => 'accepted',
    (error: unknown) => error,
  );
  if (!Refusal.is(outcome)) throw new Error('neither a refusal nor anything else was expected', { cause: outcome });
  expect([400, 401]).toContain(outcome.status);
  const challenge = outcome.headers['WWW-Authenticate']!;
  expect(challenge).toMatch(/^DPoP [\x20-\x7e]+$/);
  expect(parseChallenges(challenge)[0]?.parameters.error).toBe(outcome.error);
  expect(() => outcome.toResponse()).not.toThrow();
}

describe('whatever a stranger sends', () => {
  test('in the headers of Node is refused with a challenge, and nothing but a Refusal is thrown', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(headerName, headerText), { maxLength: 6 }),
        fc.oneof(fc.string({ unit: 'binary' }), fc.webPath(), fc.webUrl()),
        fc.string(),
        (headers, url, method) => expectRefusal(api, { method, url, rawHeaders: headers.flat() }),
      ),
      { numRuns: 1_000 },
    );
  });

  test('beside a good token is refused', async () => {
    await fc.assert(
      fc.asyncProperty(headerText, (proof) =>
        expectRefusal(api, {
          method: 'GET',
          url: '/v1/entries',
          rawHeaders: ['Authorization', `DPoP ${api.token}`, 'DPoP', proof],
        }),
      ),
      { numRuns: 1_000 },
    );
  });

  test('in the claims of a token that the issuer signed is refused or read, and nothing else is thrown', async () => {
    const claim = fc.constantFrom(
      'iss',
      'sub',
      'aud',
      'exp',
      'iat',
      'nbf',
      'jti',
      'client_id',
      'scope',
      'cnf',
      'tallystick',
    );
    await fc.assert(
      fc.asyncProperty(claim, fc.jsonValue({ maxDepth: 3 }), async (name, value) => {
        const token = await api.issuer.token(api.key.jkt, { claims: { [name]: value } });
        const request = {
          method: 'GET',
          url: '/v1/entries',
          rawHeaders: ['Authorization', `DPoP ${token}`, 'DPoP', proofOf(api.key, token)],
        };
        await api.verifier.verify(request).catch((error: unknown) => {
          if (!Refusal.is(error)) throw error;
          expect(error).toMatchObject({ status: 401, error: 'invalid_token' });
        });
      }),
      { numRuns: 300 },
    );
  });

  test('in the header of a token is refused or read, and nothing else is thrown', async () => {
    const name = fc.constantFrom('kid', 'typ', 'x5c', 'jwk', 'jku', 'cty', 'zip', 'x5t');
    await fc.assert(
      fc.asyncProperty(name, fc.jsonValue({ maxDepth: 2 }), async (parameter, value) => {
        const [, payload, signature] = api.token.split('.');
        const header = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: 'key-1', [parameter]: value }));
        await expectRefusal(api, {
          method: 'GET',
          url: '/v1/entries',
          rawHeaders: ['Authorization', `DPoP ${header.toString('base64url')}.${payload}.${signature}`],
        });
      }),
      { numRuns: 300 },
    );
  });
});
