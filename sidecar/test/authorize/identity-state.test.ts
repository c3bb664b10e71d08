import { describe, expect, test } from 'vitest';
import { identityEndMs, identityState } from '../../src/authorize/identity-state.ts';
import { identity } from '../acme.ts';

const one = identity('close-batch', { expires: '2027-06-30' });
const at = (time: string): number => Date.parse(time);

describe('an identity', () => {
  test('is good through its last day and ends at 24:00 UTC', () => {
    expect(identityState(one, false, at('2027-06-30T23:59:59.999Z'))).toBe('active');
    expect(identityState(one, false, at('2027-07-01T00:00:00.000Z'))).toBe('expired');
    expect(identityEndMs(one)).toBe(at('2027-07-01T00:00:00Z'));
  });

  test('ends by UTC, wherever the machine is', () => {
    expect(identityState(one, false, at('2027-07-01T01:59:59+02:00'))).toBe('active');
    expect(identityState(one, false, at('2027-06-30T17:00:00-07:00'))).toBe('expired');
  });

  test('ends a leap day later in a leap year', () => {
    expect(identityEndMs({ expires: '2028-02-28' })).toBe(at('2028-02-29T00:00:00Z'));
  });

  test('is suspended whatever its date', () => {
    expect(identityState(one, true, at('2026-01-01T00:00:00Z'))).toBe('suspended');
    expect(identityState(one, true, at('2030-01-01T00:00:00Z'))).toBe('suspended');
  });

  test('with a date that is none is expired: default is deny', () => {
    expect(identityState({ ...one, expires: 'never' }, false, 0)).toBe('expired');
  });
});
