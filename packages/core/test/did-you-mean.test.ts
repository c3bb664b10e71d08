import { expect, test } from 'vitest';
import { didYouMean, strangeOption } from '../src/index.ts';

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

test('an option that is not known is named, with the one that is near, or all where none is', () => {
  const known = { audience: true, replayStore: true } as const;
  expect(strangeOption({ audience: 'a', replayStore: undefined }, known)).toBeUndefined();
  expect(strangeOption({ audiance: 'a' }, known)).toBe('"audiance" is not an option; did you mean "audience"?');
  expect(strangeOption({ replaystore: 1 }, known)).toBe('"replaystore" is not an option; did you mean "replayStore"?');
  expect(strangeOption({ other: 1 }, known)).toBe('"other" is not an option; there are audience, replayStore');
  expect(strangeOption({ 'a\n': 1 }, known)).toMatch(/^"a\?" is not an option/);
  // What is absent asks for nothing.
  expect(strangeOption({ audiance: undefined }, known)).toBeUndefined();
  expect(strangeOption({ toString: 1 }, known)).toMatch(/^"toString" is not/);
});
