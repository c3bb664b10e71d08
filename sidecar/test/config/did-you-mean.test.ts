import { expect, test } from 'vitest';
import { didYouMean } from '../../src/config/did-you-mean.ts';

const NAMES = ['trustDomain', 'identities', 'credentials', 'check', 'id', 'state'];

test.each([
  ['trust_domain', 'trustDomain'],
  ['TRUSTDOMAIN', 'trustDomain'],
  ['identites', 'identities'],
  ['chekc', 'check'],
  ['credential', 'credentials'],
])('%s was probably meant to be %s', (wrong, meant) => {
  expect(didYouMean(wrong, NAMES)).toBe(meant);
});

test.each(['telemetry', 'xy', '', 'checkout', 'x'.repeat(5000)])('%s is near to none', (wrong) => {
  expect(didYouMean(wrong, NAMES)).toBeUndefined();
});

test('the nearest wins, whatever the order', () => {
  expect(didYouMean('ledger-apis', ['ledger-app', 'ledger-api'])).toBe('ledger-api');
  expect(didYouMean('ledger-apis', ['ledger-api', 'ledger-app'])).toBe('ledger-api');
});

test('of two that are equally near the first is meant', () => {
  expect(didYouMean('ledger-apx', ['ledger-api', 'ledger-app'])).toBe('ledger-api');
});
