import { describe, expect, test } from 'vitest';
import { RecentMap } from '../src/recent-map.ts';
import { ResourceMemory } from '../src/resource-memory.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const memory = (): ResourceMemory => new ResourceMemory({ nowMs: () => NOW });
const dateOf = (offsetMs: number): string => new Date(NOW + offsetMs).toUTCString();

describe('RFC 9449 §8.1, §8.2: the nonce of an API', () => {
  test('is the newest that it gave, for that URL origin alone', () => {
    const learned = memory();
    learned.learnNonce('https://a.example', 'one');
    learned.learnNonce('https://a.example', 'two');
    expect([learned.nonce('https://a.example'), learned.nonce('https://a.example:8443')]).toEqual(['two', undefined]);
  });

  test.each(['', 'a b', 'a"b', 'a\\b', 'é', 'a, b', 'x'.repeat(513)])('%j is none, and replaces none', (header) => {
    const learned = memory();
    learned.learnNonce('https://a.example', '!#[]~');
    expect(learned.learnNonce('https://a.example', header)).toBeUndefined();
    expect(learned.nonce('https://a.example')).toBe('!#[]~');
  });

  test('is forgotten with the hundredth other API: strangers cannot fill the memory', () => {
    const learned = memory();
    for (let i = 0; i <= 100; i++) learned.learnNonce(`https://${i}.example`, 'n');
    expect([learned.nonce('https://0.example'), learned.nonce('https://100.example')]).toEqual([undefined, 'n']);
  });
});

describe('the clock of an API', () => {
  test('is ours until its Date is more than 5 s off, and then its own', () => {
    const learned = memory();
    expect(learned.learnClock('https://a.example', dateOf(5000))).toBe(false);
    expect(learned.learnClock('https://a.example', dateOf(-60_000))).toBe(true);
    expect(learned.issuedAt('https://a.example')).toBe((NOW - 60_000) / 1000);
    expect(learned.issuedAt('https://b.example')).toBe(NOW / 1000);
    expect(learned.learnClock('https://a.example', dateOf(-60_000))).toBe(false);
  });

  test.each([null, undefined, '', 'soon'])('is not changed by Date: %j', (date) => {
    expect(memory().learnClock('https://a.example', date)).toBe(false);
  });
});

test('a map of the most recent forgets what was set longest ago', () => {
  const map = new RecentMap<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.set('a', 3);
  map.set('c', 4);
  expect([map.get('a'), map.has('b'), map.get('c')]).toEqual([3, false, 4]);
});
