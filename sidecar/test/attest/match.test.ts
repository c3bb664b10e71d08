import type { IdentityObject } from '@tallystick/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMatch } from '../../src/attest/match.ts';

const identity = (id: string, match: readonly (readonly string[])[]): IdentityObject => ({
  id: `spiffe://acme.example/${id}`,
  kind: 'workload',
  owner: { id: 'team', kind: 'team', accountable: null, backup: null },
  purpose: 'test',
  environment: 'test',
  businessProcesses: [],
  expires: '2027-01-01',
  match,
  revocable: 'exp',
  receives: [],
  entitlements: [],
});
const idsOf = (identities: readonly IdentityObject[], selectors: readonly string[]): string[] =>
  createMatch(identities)({ selectors }).map(({ id }) => id.slice('spiffe://acme.example/'.length));

describe('an identity matches', () => {
  const both = identity('both', [['unix:uid:1001', 'tallystick:socket:app']]);
  const either = identity('either', [['unix:uid:1001'], ['unix:uid:1002']]);

  test('by all selectors of an alternative', () => {
    expect(idsOf([both], ['unix:uid:1001'])).toEqual([]);
    expect(idsOf([both], ['tallystick:socket:app'])).toEqual([]);
    expect(idsOf([both], ['unix:uid:1001', 'tallystick:socket:app', 'unix:gid:5'])).toEqual(['both']);
  });

  test('by any alternative, once', () => {
    expect(idsOf([either], ['unix:uid:1002'])).toEqual(['either']);
    expect(idsOf([either], ['unix:uid:1001', 'unix:uid:1002'])).toEqual(['either']);
  });

  test('beside others, sorted by id', () => {
    expect(idsOf([either, both], ['unix:uid:1001', 'tallystick:socket:app'])).toEqual(['both', 'either']);
  });

  test('by whole selectors: no prefix, no case, no pattern', () => {
    for (const near of ['unix:uid:100', 'unix:uid:10010', 'UNIX:uid:1001', 'unix:uid:*', 'unix:uid:1001 ']) {
      expect(idsOf([either], [near])).toEqual([]);
    }
  });

  test('never without a selector', () => {
    expect(idsOf([identity('empty', [[]]), identity('none', [])], ['unix:uid:0'])).toEqual([]);
    expect(idsOf([both, either], [])).toEqual([]);
  });
});

test('the index finds what reading every identity finds', () => {
  const selector = fc.constantFrom(...Array.from({ length: 8 }, (_, i) => `unix:uid:${i}`));
  const alternatives = fc.array(fc.array(selector, { maxLength: 4 }), { maxLength: 3 });
  fc.assert(
    fc.property(fc.array(alternatives, { maxLength: 12 }), fc.uniqueArray(selector), (matches, held) => {
      const identities = matches.map((match, i) => identity(`i${String(i).padStart(2, '0')}`, match));
      const expected = identities.filter(({ match }) =>
        match.some((selectors) => selectors.length > 0 && selectors.every((each) => held.includes(each))),
      );
      expect(createMatch(identities)({ selectors: held })).toEqual(expected);
    }),
  );
});

test('a look-up among a thousand identities reads those of its own selectors, not all', () => {
  // Every identity shares its socket and group; its user is its own.
  let read = 0;
  const identities = Array.from({ length: 1_000 }, (_, i) => {
    const selectors = [`tallystick:socket:app`, `unix:gid:1`, `unix:uid:${i}`];
    const counted = new Proxy(selectors, {
      get(target, name, receiver) {
        if (name === 'every') read++;
        return Reflect.get(target, name, receiver) as unknown;
      },
    });
    return identity(`i${i}`, [counted]);
  });
  const match = createMatch(identities);
  expect(match({ selectors: ['tallystick:socket:app', 'unix:gid:1', 'unix:uid:77'] }).map(({ id }) => id)).toEqual([
    'spiffe://acme.example/i77',
  ]);
  expect(read).toBe(1);
});
