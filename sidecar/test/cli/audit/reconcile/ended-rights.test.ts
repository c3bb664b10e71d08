import type { AuditRecord } from '@tallystick/audit';
import { describe, expect, test } from 'vitest';
import { EndedRights } from '../../../../src/cli/audit/reconcile/ended-rights.ts';
import { IDENTITY, instant, JKT, LEASE, NINE } from './facts.ts';

const token = { identity: IDENTITY, jkt: JKT, madeMs: NINE, endsMs: NINE + 900_000 };

function rightsAfter(...records: readonly { type: AuditRecord['type']; at: number; body?: object }[]): EndedRights {
  const rights = new EndedRights();
  for (const { type, at, body } of records) {
    const full = { identity: IDENTITY, jkt: null, leases: [], effectiveAt: null, ...body };
    rights.apply({ type, time: instant(at), body: full } as unknown as AuditRecord);
  }
  return rights;
}

describe('a token ends', () => {
  test('with its time, where nobody has ended it', () => {
    expect(rightsAfter().endOf(token, undefined)).toEqual({ code: 'ended', atMs: token.endsMs });
    expect(rightsAfter().endOf({ ...token, endsMs: null }, undefined)).toBeUndefined();
  });

  test.each([
    ['its identity is suspended', { type: 'identity.suspended' as const, at: NINE + 5 }, 'suspended'],
    ['its identity is retired', { type: 'identity.retired' as const, at: NINE + 5 }, 'revoked'],
    ['all of its identity is revoked', { type: 'credential.revoked' as const, at: NINE + 5 }, 'revoked'],
    [
      'its key is revoked',
      { type: 'credential.revoked' as const, at: NINE + 5, body: { identity: null, jkt: JKT } },
      'revoked',
    ],
  ])('when %s', (_, record, code) => {
    expect(rightsAfter(record).endOf(token, undefined)).toEqual({ code, atMs: NINE + 5 });
  });

  test('when its lease is revoked, and with the first of several ends', () => {
    const suspended = rightsAfter({ type: 'identity.suspended', at: NINE + 9 });
    expect(suspended.endOf(token, NINE + 5)).toEqual({ code: 'revoked', atMs: NINE + 5 });
    expect(suspended.endOf(token, NINE + 20)).toEqual({ code: 'suspended', atMs: NINE + 9 });
  });

  test('at the instant when the right was gone, not when that was recorded', () => {
    const late = { type: 'identity.suspended', at: NINE + 60_000, body: { effectiveAt: instant(NINE + 5) } } as const;
    expect(rightsAfter(late).endOf(token, undefined)?.atMs).toBe(NINE + 5);
  });

  test('not by what was ended before it was made, but for its key', () => {
    const before = rightsAfter(
      { type: 'identity.suspended', at: NINE - 1 },
      { type: 'credential.revoked', at: NINE - 1 },
      { type: 'identity.resumed', at: NINE - 1 },
    );
    expect(before.endOf(token, undefined)?.code).toBe('ended');
    const key = rightsAfter({ type: 'credential.revoked', at: NINE - 1, body: { identity: null, jkt: JKT } });
    expect(key.endOf(token, undefined)).toEqual({ code: 'revoked', atMs: NINE - 1 });
  });

  test('not by what other leases of its identity lose', () => {
    const others = rightsAfter({ type: 'credential.revoked', at: NINE + 5, body: { leases: [LEASE] } });
    expect(others.endOf(token, undefined)?.code).toBe('ended');
  });

  test('for good: a resumed identity has no token back', () => {
    const resumed = rightsAfter(
      { type: 'identity.suspended', at: NINE + 5 },
      { type: 'identity.resumed', at: NINE + 6 },
    );
    expect(resumed.endOf(token, undefined)?.code).toBe('suspended');
  });
});
