import type { IdentityObject } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import { changedIdentities, narrowedIdentities } from '../../src/authorize/narrowed.ts';
import type { CredentialConfig } from '../../src/config/config.ts';
import { credential, entitled, identity, registryOf } from '../acme.ts';

const LEDGER = credential('ledger-api');
const OTHER = credential('other-api');
const base = identity('close-batch', {
  entitlements: [entitled('ledger-api', { minAssurance: 'process' })],
  businessProcesses: ['BP-1', 'BP-2'],
});

/** What a change of one identity, or of its credentials, makes of it. */
function after(
  members: Partial<IdentityObject> | undefined,
  credentials: readonly CredentialConfig[] = [LEDGER, OTHER],
) {
  const before = registryOf([base], [LEDGER, OTHER]);
  const next = registryOf(members ? [{ ...base, ...members }] : [], credentials);
  const narrowed = narrowedIdentities(before, next);
  return { narrowed: narrowed.length === 1, changed: changedIdentities(before, next, narrowed).length === 1 };
}

describe('a new configuration gives less', () => {
  const less: [string, ReturnType<typeof after>][] = [
    ['when the identity is gone', after(undefined)],
    ['when an entitlement is gone', after({ entitlements: [] })],
    ['when the credential is gone', after({}, [OTHER])],
    ['when an entitlement is narrowed', after({ entitlements: [entitled('ledger-api', { scope: 'journal.read' })] })],
    ['when the credential has less scope', after({}, [{ ...LEDGER, scope: ['journal.read'] }])],
    ['when the credential is for another audience', after({}, [{ ...LEDGER, audience: 'https://moved.example' }])],
    ['when the credential comes from elsewhere', after({}, [{ ...LEDGER, provider: 'vault-eu' }])],
    [
      'when more assurance is asked for',
      after({ entitlements: [entitled('ledger-api', { minAssurance: 'platform' })] }),
    ],
    ['when another workload matches', after({ match: [['unix:uid:1002']] })],
    ['when one more alternative matches', after({ match: [...base.match, ['unix:uid:1002']] })],
    ['when it ends earlier', after({ expires: '2027-06-29' })],
    ['when it loses a business process, which its tokens still name', after({ businessProcesses: ['BP-1'] })],
    ['when it moves to another environment, which its tokens do not name', after({ environment: 'staging' })],
  ];
  test.each(less)('%s', (_title, outcome) => {
    expect(outcome).toEqual({ narrowed: true, changed: false });
  });
});

describe('a new configuration changes and takes nothing', () => {
  const more: [string, ReturnType<typeof after>][] = [
    ['when an entitlement is added', after({ entitlements: [...base.entitlements, entitled('other-api')] })],
    ['when a credential has more scope', after({}, [{ ...LEDGER, scope: [...LEDGER.scope, 'z'] }])],
    ['when less assurance is asked for', after({ entitlements: [entitled('ledger-api', { minAssurance: 'socket' })] })],
    ['when it ends later', after({ expires: '2028-06-30' })],
    ['when it has another owner', after({ owner: { ...base.owner, id: 'team-new' } })],
    ['when it has one more business process', after({ businessProcesses: ['BP-1', 'BP-2', 'BP-3'] })],
    ['when a credential lives shorter', after({}, [{ ...LEDGER, lifetimeMs: 60_000 }, OTHER])],
    [
      'when a credential is for more URLs',
      after({}, [{ ...LEDGER, use: [{ text: 'https://x/', origin: 'https://x', segments: [] }] }]),
    ],
  ];
  test.each(more)('%s', (_title, outcome) => {
    expect(outcome).toEqual({ narrowed: false, changed: true });
  });

  test('and names nobody when it is the same', () => {
    expect(after({})).toEqual({ narrowed: false, changed: false });
    expect(after({}, [LEDGER])).toEqual({ narrowed: false, changed: false });
  });

  test('and a new identity is neither', () => {
    const [none, one] = [registryOf([]), registryOf([base], [LEDGER])];
    expect([narrowedIdentities(none, one), changedIdentities(none, one, [])]).toEqual([[], []]);
  });
});
