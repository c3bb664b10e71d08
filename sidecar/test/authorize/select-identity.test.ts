import { describe, expect, test } from 'vitest';
import { selectIdentity } from '../../src/authorize/select-identity.ts';
import { identity } from '../acme.ts';

const [one, two] = [identity('one'), identity('two')];

describe('a request acts as', () => {
  test('the only identity of its workload', () => {
    expect(selectIdentity([one], undefined)).toBe(one);
  });

  test('the one it names among several', () => {
    expect(selectIdentity([one, two], two.id)).toBe(two);
  });

  test('nobody where nothing matches, also when it names one', () => {
    for (const named of [undefined, one.id]) {
      expect(() => selectIdentity([], named)).toThrow(expect.objectContaining({ code: 'identity_unknown' }));
    }
  });

  test('none but its own, by the whole id', () => {
    for (const named of [two.id, `${one.id}/`, one.id.toUpperCase(), 'spiffe://acme.example', '']) {
      expect(() => selectIdentity([one], named)).toThrow(expect.objectContaining({ code: 'identity_mismatch' }));
    }
  });

  test('none of several without a name, and is told which there are', () => {
    expect(() => selectIdentity([one, two], undefined)).toThrow(
      expect.objectContaining({
        code: 'identity_ambiguous',
        remedy: expect.stringContaining(`${one.id}, ${two.id}`) as string,
      }),
    );
  });

  test('and what it names is printed as text that fits a log', () => {
    expect(() => selectIdentity([one], `spiffe://x/\n${'y'.repeat(5000)}`)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^[\x20-\x7e]{1,600}$/) as string }),
    );
  });
});
