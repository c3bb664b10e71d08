import type { Assurance, IdentityState } from '@tallystick/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { authorize, type AskedToken, type Question } from '../../src/authorize/authorize.ts';
import { credential, entitled, identity, registryOf } from '../acme.ts';

const LEDGER = credential('ledger-api', { scope: ['journal.read', 'journal.write'] });
const READER = credential('ledger-reader', { audience: LEDGER.audience, scope: ['report.read'] });
const OTHER = credential('other-api', { scope: [] });
const VAULT = credential('ledger-db', { provider: 'vault-eu', audience: 'https://db.acme.example' });

/** What a question for a token becomes when nothing stands in its way. */
function question(
  { resource, scope, ...members }: Partial<Question & AskedToken> = {},
  names: readonly string[] = ['ledger-api'],
): Question {
  const batch = identity('close-batch', { entitlements: names.map((name) => entitled(name)) });
  return {
    identity: batch,
    state: 'active',
    keyRevoked: false,
    assurance: 'process',
    entitled: registryOf([batch], [LEDGER, READER, OTHER, VAULT]).entitled(batch),
    asked: { resource, scope },
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
    const decision = authorize(asked);
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
    const decision = authorize(question({ identity: batch, entitled: entitlements, assurance }));
    expect(decision.allow).toBe(allow);
    if (!decision.allow) expect(decision).toMatchObject({ reason: 'assurance_too_low', credential: LEDGER });
  });

  test('a denial names the credential that was meant, where one was', () => {
    expect(authorize(question({ scope: ['journal.approve'] }))).toMatchObject({ credential: LEDGER });
    expect(authorize(question({ resource: 'https://other.example' }))).not.toHaveProperty('credential');
  });

  test('the remedy of an ambiguous request names what to choose from', () => {
    expect(authorize(question({}, both))).toMatchObject({
      remedy: expect.stringContaining(
        'one: https://ledger-api.acme.example with journal.read journal.write; https://other-api.acme.example',
      ) as string,
    });
  });
});

describe('a credential of an upstream is asked for by its name', () => {
  const ask = (name: string, type = 'database', names = ['ledger-db']) =>
    authorize(question({ asked: { name, type } }, names));
  const db = credential('ledger-db', { provider: 'vault-eu', type: 'database', audience: undefined, scope: [] });
  const askDb = (type: string, members: Partial<Question> = {}) => {
    const batch = identity('close-batch', { entitlements: [entitled('ledger-db', { minAssurance: 'process' })] });
    const entitlements = registryOf([batch], [db]).entitled(batch);
    return authorize(question({ entitled: entitlements, asked: { name: 'ledger-db', type }, ...members }));
  };

  test('and allowed to who is entitled to it', () => {
    expect(askDb('database')).toEqual({ allow: true, reason: 'entitled', credential: db, scope: [] });
  });

  test('and refused where it is taken for another type', () => {
    expect(askDb('aws')).toMatchObject({ code: 'credential_type_mismatch', remedy: 'ask for it as "database"' });
  });

  test('and refused below its assurance, suspended or by a revoked key', () => {
    expect(askDb('database', { assurance: 'socket' })).toMatchObject({ reason: 'assurance_too_low' });
    expect(askDb('database', { state: 'suspended' })).toMatchObject({ reason: 'suspended' });
    expect(askDb('database', { keyRevoked: true })).toMatchObject({ reason: 'key_revoked' });
  });

  test('and one that others have is refused as one that nobody has', () => {
    const [theirs, nobodys] = [ask('other-api'), ask('no-such')];
    expect(theirs).toMatchObject({ reason: 'not_entitled', code: 'not_entitled' });
    expect(JSON.stringify(theirs).replace('other-api', 'no-such')).toBe(JSON.stringify(nobodys));
  });

  test('and a token of our own is not to be had that way', () => {
    expect(ask('ledger-api', 'access-token', ['ledger-api'])).toMatchObject({
      code: 'invalid_target',
      remedy: 'ask for it at /token',
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
    fc.property(arbitrary, ({ all, entitlements, resource, scope, ...asked }) => {
      const own = identity('close-batch', { entitlements });
      const entitledTo = registryOf([own], all).entitled(own);
      const decision = authorize({ identity: own, entitled: entitledTo, asked: { resource, scope }, ...asked });
      if (!decision.allow) return;
      allowed++;
      expect([asked.state, asked.keyRevoked]).toEqual(['active', false]);
      const granted = decision.credential;
      expect(granted.provider).toBe('issuer');
      if (resource !== undefined) expect(granted.audience).toBe(resource);
      const rank = ['socket', 'process', 'platform'];
      const grounds = entitlements.filter(
        (entitlement) =>
          entitlement.credential === granted.name &&
          rank.indexOf(asked.assurance) >= rank.indexOf(entitlement.minAssurance) &&
          decision.scope.every((value) => entitlement.scope === null || entitlement.scope.split(' ').includes(value)),
      );
      expect(grounds.length).toBeGreaterThan(0);
      expect(decision.scope.every((value) => granted.scope.includes(value))).toBe(true);
      if (scope !== undefined) expect(decision.scope).toEqual(scope);
    }),
    { numRuns: 2000 },
  );
  expect(allowed).toBeGreaterThan(100);
});
