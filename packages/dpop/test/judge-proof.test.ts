import { describe, expect, test } from 'vitest';
import { judgeProof, ProofError, readProof, type Proof, type ProofExpectation, type ProofFault } from '../src/index.ts';
import { CLAIMS, forge, key } from './forge.ts';

const proof = readProof(forge({ claims: { ath: 'ath-1', bth: 'bth-1' } }));
const expected: ProofExpectation = { method: CLAIMS.htm, url: CLAIMS.htu };

function fault(over: Partial<Proof>, expect_: Partial<ProofExpectation> = {}): ProofFault | 'accepted' {
  try {
    judgeProof({ ...proof, ...over }, { ...expected, ...expect_ });
    return 'accepted';
  } catch (error) {
    if (error instanceof ProofError) return error.fault;
    throw error;
  }
}

describe('RFC 9449 §4.3 step 8: htm is the method', () => {
  test.each([
    ['POST', 'accepted'],
    ['post', 'htm'],
    ['GET', 'htm'],
    ['', 'htm'],
  ])('%j: %s', (htm, verdict) => {
    expect(fault({ htm })).toBe(verdict);
  });
});

describe('RFC 9449 §4.3 step 9: htu is the target, without query and fragment', () => {
  test.each([
    [CLAIMS.htu, CLAIMS.htu, 'accepted'],
    [CLAIMS.htu, `${CLAIMS.htu}?page=2`, 'accepted'],
    [`${CLAIMS.htu}?page=1#top`, CLAIMS.htu, 'accepted'],
    ['HTTPS://LEDGER.acme.example:443/v1/%6aournals', CLAIMS.htu, 'accepted'],
    ['https://ledger.acme.example/v1/journals/', CLAIMS.htu, 'htu'],
    ['https://evil.example/v1/journals', CLAIMS.htu, 'htu'],
    ['http://ledger.acme.example/v1/journals', CLAIMS.htu, 'htu'],
    ['https://user@ledger.acme.example/v1/journals', 'https://user@ledger.acme.example/v1/journals', 'htu'],
    ['', CLAIMS.htu, 'htu'],
    ['', '', 'htu'],
  ])('%j for %j: %s', (htu, url, verdict) => {
    expect(fault({ htu }, { url })).toBe(verdict);
  });
});

describe('RFC 9449 §4.3 step 11: created within the window', () => {
  const window = { now: CLAIMS.iat, pastSeconds: 60, futureSeconds: 10 };
  test.each([
    [0, 'accepted'],
    [-60, 'accepted'],
    [-60.001, 'iat'],
    [-61, 'iat'],
    [10, 'accepted'],
    [10.001, 'iat'],
    [11, 'iat'],
    [-CLAIMS.iat, 'iat'],
    [1e15, 'iat'],
  ])('iat %d s from now: %s', (by, verdict) => {
    expect(fault({ iat: CLAIMS.iat + by }, { iat: window })).toBe(verdict);
  });

  test("§11.1: where a nonce proves freshness, the holder's clock says nothing", () => {
    expect(fault({ iat: 0 })).toBe('accepted');
    expect(fault({ iat: 4e9, exp: 1 })).toBe('accepted');
  });

  test.each(['now', 'pastSeconds', 'futureSeconds'] as const)(
    'a %s that is not a number refuses, instead of taking everything',
    (name) => {
      expect(fault({}, { iat: { ...window, [name]: Number.NaN } })).toBe('iat');
    },
  );

  test.each([
    ['exp', CLAIMS.iat + 1, 'accepted'],
    ['exp', CLAIMS.iat, 'exp'],
    ['exp', CLAIMS.iat - 1, 'exp'],
    ['nbf', CLAIMS.iat - 1, 'accepted'],
    ['nbf', CLAIMS.iat + 10, 'accepted'],
    ['nbf', CLAIMS.iat + 11, 'nbf'],
  ])('RFC 7519 §4.1.4, §4.1.5: %s at %d: %s', (name, at, verdict) => {
    expect(fault({ [name]: at }, { iat: window })).toBe(verdict);
  });
});

describe('RFC 9449 §4.3 step 12: with an access token', () => {
  test('ath is the hash of that token', () => {
    expect(fault({}, { ath: 'ath-1' })).toBe('accepted');
    expect(fault({}, { ath: 'ath-2' })).toBe('ath');
    expect(fault({ ath: undefined }, { ath: 'ath-1' })).toBe('ath');
    expect(fault({ ath: '' }, { ath: 'ath-1' })).toBe('ath');
  });

  test('the key is the one that the token is bound to', () => {
    expect(fault({}, { jkt: key.jkt })).toBe('accepted');
    expect(fault({}, { jkt: `${key.jkt.slice(0, -1)}!` })).toBe('key');
    expect(fault({}, { jkt: '' })).toBe('key');
  });
});

describe('RFC 9449 §11.7: the body, where it is bound', () => {
  test('bth is the hash of that body', () => {
    expect(fault({}, { bth: 'bth-1' })).toBe('accepted');
    expect(fault({}, { bth: 'bth-2' })).toBe('bth');
    expect(fault({ bth: undefined }, { bth: 'bth-1' })).toBe('bth');
  });
});

test('each fault has the code that its caller acts on', () => {
  expect(new ProofError('nonce', 'x')).toMatchObject({ code: 'use_dpop_nonce', retryable: true, fault: 'nonce' });
  expect(new ProofError('replayed', 'x')).toMatchObject({ code: 'proof_replayed', retryable: false });
  expect(new ProofError('htu', 'x')).toMatchObject({ code: 'invalid_proof', retryable: false, fault: 'htu' });
});
