import { describe, expect, test } from 'vitest';
import { selectIdentity } from '../../src/authorize/select-identity.ts';
import { identity } from '../acme.ts';

const SELECTORS = ['tallystick:socket:app', 'unix:gid:7', 'unix:path:/usr/bin/node', 'unix:uid:1001'];
const [one, two] = [identity('one'), identity('two')];

describe('a request acts as', () => {
  test('the only identity of its workload', () => {
    expect(selectIdentity([one], undefined, SELECTORS)).toBe(one);
  });

  test('the one it names among several', () => {
    expect(selectIdentity([one, two], two.id, SELECTORS)).toBe(two);
  });

  test('nobody where nothing matches, also when it names one, and is told what would', () => {
    for (const named of [undefined, one.id]) {
      expect(() => selectIdentity([], named, SELECTORS)).toThrow(
        expect.objectContaining({
          code: 'identity_unknown',
          description: 'no identity matches this workload: tallystick:socket:app, unix:gid:7, unix:uid:1001',
        }),
      );
    }
  });

  test('none but its own, by the whole id', () => {
    for (const named of [two.id, `${one.id}/`, one.id.toUpperCase(), 'spiffe://acme.example', '']) {
      expect(() => selectIdentity([one], named, SELECTORS)).toThrow(
        expect.objectContaining({
          code: 'identity_mismatch',
          description: expect.stringContaining(`is ${one.id}, not `) as string,
        }),
      );
    }
  });

  test('none of several without a name, and is told which there are', () => {
    expect(() => selectIdentity([one, two], undefined, SELECTORS)).toThrow(
      expect.objectContaining({
        code: 'identity_ambiguous',
        remedy: expect.stringContaining(`${one.id}, ${two.id}`) as string,
      }),
    );
  });

  test('and what it names is printed as text that fits a log', () => {
    expect(() => selectIdentity([one], `spiffe://x/\n${'y'.repeat(5000)}`, SELECTORS)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^[\x20-\x7e]{1,600}$/) as string }),
    );
  });
});
