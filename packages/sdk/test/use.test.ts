import { describe, expect, test } from 'vitest';
import { createUseTable } from '../src/use.ts';
import { LEDGER } from './fake-sidecar.ts';

const table = createUseTable([
  { ...LEDGER, name: 'all', use: ['https://a.example/'] },
  { ...LEDGER, name: 'admin', use: ['https://a.example/admin', 'https://b.example/v1/'] },
  { ...LEDGER, name: 'broken', use: ['not a url', 'https://c.example/%2e%2e/'] },
]);
const pick = (url: string, name?: string): string => table.pick(new URL(url), name).name;

describe('which credential goes with a URL', () => {
  test.each([
    ['https://a.example/', 'all'],
    ['https://a.example/administrator', 'all'],
    ['https://a.example/admin', 'admin'],
    ['https://a.example/admin/users?x=/', 'admin'],
    ['https://b.example/v1/x', 'admin'],
  ])('%s gets %s: the longest prefix by whole segments', (url, name) => {
    expect(pick(url)).toBe(name);
  });

  test.each([
    'https://b.example/v2',
    'http://a.example/',
    'https://a.example:8443/',
    'https://c.example/',
    'https://u:p@a.example/',
  ])('%s gets none, and the error names the prefixes there are', (url) => {
    expect(() => pick(url)).toThrow(
      /^url_not_covered: .*https:\/\/a\.example\/ \(all\).*https:\/\/b\.example\/v1\/ \(admin\)/,
    );
  });

  test('a pinned credential wins over a longer prefix of another, and its own prefixes hold', () => {
    expect(pick('https://a.example/admin', 'all')).toBe('all');
    expect(() => pick('https://b.example/v1', 'all')).toThrow(expect.objectContaining({ code: 'url_not_covered' }));
  });

  test('a name that the identity has not is refused with those it has', () => {
    expect(() => pick('https://a.example/', 'none')).toThrow(/^not_entitled: .*all, admin, broken/);
    expect(() => table.named('none')).toThrow(expect.objectContaining({ code: 'not_entitled' }));
  });

  test('the error shows neither query nor user information of the URL', () => {
    expect(() => pick('https://user:hunter2@b.example/v2?token=hunter2#hunter2')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
  });
});
