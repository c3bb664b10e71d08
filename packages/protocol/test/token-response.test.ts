import { leaseId, systemClock, systemRandom } from '@tallystick/core';
import { formatTokenResponse, parseTokenResponse, type TokenResponse } from '@tallystick/protocol';
import { expect, test } from 'vitest';

const response: TokenResponse = {
  accessToken: 'a.b.c',
  expiresIn: 900,
  scope: 'journal.read journal.write',
  leaseId: leaseId(systemClock, systemRandom),
  rotateAt: new Date('2026-11-22T12:00:00Z'),
  recordId: 'acme.example/01/0/0#1',
};

test('a token answer is read as it was written', () => {
  expect(parseTokenResponse(JSON.stringify(formatTokenResponse(response)))).toEqual(response);
});

test('RFC 6749 §3.3: a token without scope is answered without "scope", and read so', () => {
  const answer = formatTokenResponse({ ...response, scope: '' });
  expect(answer).not.toHaveProperty('scope');
  expect(parseTokenResponse(JSON.stringify(answer)).scope).toBe('');
});
