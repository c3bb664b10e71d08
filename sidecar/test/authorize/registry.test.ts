import { registryDigest } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import { credential, entitled, identity, registryOf } from '../acme.ts';

describe('the registry', () => {
  const LEDGER = credential('ledger-api', { scope: ['a', 'b', 'c'] });

  test('gives an entitlement the scope of its credential, in its order', () => {
    const own = identity('one');
    expect(registryOf([own], [LEDGER]).entitled(own)).toEqual([
      { credential: LEDGER, scope: ['a', 'b', 'c'], minAssurance: 'socket' },
    ]);
  });

  test('lets an entitlement narrow the scope, and never widen it', () => {
    const own = identity('one', { entitlements: [entitled('ledger-api', { scope: 'c admin  a a' })] });
    expect(registryOf([own], [LEDGER]).entitled(own)[0]!.scope).toEqual(['a', 'c']);
  });

  test('gives nothing for a credential that there is not', () => {
    const own = identity('one', { entitlements: [entitled('unknown')] });
    expect(registryOf([own], [LEDGER]).entitled(own)).toEqual([]);
  });

  test('gives nothing to an identity that it does not have', () => {
    expect(registryOf([identity('one')], [LEDGER]).entitled(identity('two'))).toEqual([]);
  });

  test('has the digest of its identities', () => {
    const all = [identity('one'), identity('two')];
    expect(registryOf(all).digest).toEqual(registryDigest(all));
  });
});
