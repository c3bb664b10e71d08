import type { Assurance, IdentityState } from '@tallystick/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { authorizeToken, type Question } from '../../src/authorize/authorize.ts';
import { credential, entitled, identity, registryOf } from '../acme.ts';

const LEDGER = credential('ledger-api', { scope: ['journal.read', 'journal.write'] });
const READER = credential('ledger-reader', { audience: LEDGER.audience, scope: ['report.read'] });
const OTHER = credential('other-api', { scope: [] });
const VAULT = credential('ledger-db', { provider: 'vault-eu', audience: 'https://db.acme.example' });

/** What a question becomes when nothing stands in its way. */
function question(members: Partial<Question> = {}, names: readonly string[] = ['ledger-api']): Question {
  const batch = identity('close-batch', { entitlements: names.map((name) => entitled(name)) });
  return {
    identity: batch,
    state: 'active',
    keyRevoked: false,
    assurance: 'process',
    entitled: registryOf([batch], [LEDGER, READER, OTHER, VAULT]).entitled(batch),
    resource: undefined,
    scope: undefined,
    ...members,
  };
}

describe('the decision table', () => {
  const { audience } = LEDGER;
  const both = ['ledger-api', 'other-api'];
  const shared = ['ledger-api', 'ledger-reader'];
  const rows: [title: string, q: Question, outcome: string][] = [
    ['the only credential, nothing said', question(), 'ledger-api: journal.read journal.write'],
    ['the only credential by its resource', question({ resource: audience }), 'ledger-api: journal.read journal.write'],
    ['a part of its scope', question({ scope: ['journal.read'] }), 'ledger-api: journal.read'],
    ['one of two by its resource', question({ resource: OTHER.audience }, both), 'other-api: '],
    ['one of two by its scope', question({ scope: ['journal.read'] }, both), 'ledger-api: journal.read'],
    [
      'one of two on one audience by its scope',
      question({ resource: audience, scope: ['report.read'] }, shared),
      'ledger-reader: report.read',
    ],
    ['suspended', question({ state: 'suspended' }), 'suspended identity_suspended'],
    ['expired', question({ state: 'expired' }), 'expired identity_expired'],
    ['a revoked key', question({ keyRevoked: true }), 'key_revoked key_revoked'],
    ['no entitlement', question({}, []), 'not_entitled not_entitled'],
    ['an entitlement that is no token of ours', question({}, ['ledger-db']), 'not_entitled not_entitled'],
    [
      'that, by its resource',
      question({ resource: VAULT.audience }, ['ledger-api', 'ledger-db']),
      'not_entitled invalid_target',
    ],
    ['a resource of somebody else', question({ resource: 'https://other.example' }), 'not_entitled invalid_target'],
    ['a resource with a slash more', question({ resource: `${audience}/` }), 'not_entitled invalid_target'],
    ['a wider scope', question({ scope: ['journal.read', 'journal.approve'] }), 'invalid_scope invalid_scope'],
    [
      'a scope over two credentials',
      question({ resource: audience, scope: ['journal.read', 'report.read'] }, shared),
      'invalid_scope invalid_scope',
    ],
    ['two, nothing said', question({}, both), 'invalid_target invalid_target'],
    ['two on one audience, nothing said', question({ resource: audience }, shared), 'invalid_target invalid_target'],
  ];
  test.each(rows)('%s', (_title, asked, outcome) => {
    const decision = authorizeToken(asked);
    expect(
      decision.allow
        ? `${decision.credential.name}: ${decision.scope.join(' ')}`
        : `${decision.reason} ${decision.code}`,
    ).toBe(outcome);
  });

  test.each<[Assurance, Assurance, boolean]>([
    ['socket', 'socket', true],
    ['process', 'socket', true],
    ['socket', 'process', false],
    ['process', 'process', true],
    ['process', 'platform', false],
    ['platform', 'process', true],
  ])('assurance %s where %s is asked for: %s', (assurance, minAssurance, allow) => {
    const batch = identity('close-batch', { entitlements: [entitled('ledger-api', { minAssurance })] });
    const entitlements = registryOf([batch], [LEDGER]).entitled(batch);
    const decision = authorizeToken(question({ identity: batch, entitled: entitlements, assurance }));
    expect(decision.allow).toBe(allow);
    if (!decision.allow) expect(decision).toMatchObject({ reason: 'assurance_too_low', credential: LEDGER });
  });

  test('a denial names the credential that was meant, where one was', () => {
    expect(authorizeToken(question({ scope: ['journal.approve'] }))).toMatchObject({ credential: LEDGER });
    expect(authorizeToken(question({ resource: 'https://other.example' }))).not.toHaveProperty('credential');
  });

  test('the remedy of an ambiguous request names what to choose from', () => {
    expect(authorizeToken(question({}, both))).toMatchObject({
      remedy: expect.stringContaining(
        'one: https://ledger-api.acme.example with journal.read journal.write; https://other-api.acme.example',
      ) as string,
    });
  });
});

test('nothing is allowed that is not entitled, whatever is asked, and default is deny', () => {
  const values = ['a', 'b', 'c'];
  const scopes = fc.subarray(values);
  const audiences = fc.constantFrom('https://one.example', 'https://two.example', 'https://three.example');
  const credentials = fc
    .array(
      fc.record({
        audience: audiences,
        scope: scopes,
        provider: fc.constantFrom('issuer', 'issuer', 'issuer', 'vault'),
      }),
      {
        maxLength: 4,
      },
    )
    .map((all) => all.map((each, i) => credential(`c${i}`, each)));
  const assurances = fc.constantFrom<Assurance>('socket', 'process', 'platform');
  const strong = fc.constantFrom<Assurance>('platform', 'platform', 'process', 'socket');
  const arbitrary = credentials.chain((all) =>
    fc.record({
      all: fc.constant(all),
      entitlements: fc.array(
        fc.record({
          credential: fc.constantFrom(...all.map(({ name }) => name), 'unknown'),
          scope: fc.option(fc.array(fc.constantFrom(...values, 'd'), { minLength: 1 }).map((list) => list.join(' '))),
          minAssurance: assurances,
        }),
        { minLength: 1, maxLength: 3 },
      ),
      state: fc.constantFrom<IdentityState>('active', 'active', 'active', 'suspended', 'expired'),
      keyRevoked: fc.boolean().map((yes) => yes && all.length % 2 === 1),
      assurance: strong,
      resource: fc.option(audiences, { nil: undefined, freq: 1 }),
      scope: fc.option(fc.subarray([...values, 'd']), { nil: undefined, freq: 1 }),
    }),
  );
  let allowed = 0;
  fc.assert(
    fc.property(arbitrary, ({ all, entitlements, ...asked }) => {
      const own = identity('close-batch', { entitlements });
      const decision = authorizeToken({ identity: own, entitled: registryOf([own], all).entitled(own), ...asked });
      if (!decision.allow) return;
      allowed++;
      expect([asked.state, asked.keyRevoked]).toEqual(['active', false]);
      const granted = decision.credential;
      expect(granted.provider).toBe('issuer');
      if (asked.resource !== undefined) expect(granted.audience).toBe(asked.resource);
      const rank = ['socket', 'process', 'platform'];
      const grounds = entitlements.filter(
        (entitlement) =>
          entitlement.credential === granted.name &&
          rank.indexOf(asked.assurance) >= rank.indexOf(entitlement.minAssurance) &&
          decision.scope.every((value) => entitlement.scope === null || entitlement.scope.split(' ').includes(value)),
      );
      expect(grounds.length).toBeGreaterThan(0);
      expect(decision.scope.every((value) => granted.scope.includes(value))).toBe(true);
      if (asked.scope !== undefined) expect(decision.scope).toEqual(asked.scope);
    }),
    { numRuns: 2000 },
  );
  expect(allowed).toBeGreaterThan(100);
});
