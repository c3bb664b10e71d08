import { expect, test } from 'vitest';
import { LogHeads } from '../src/log-heads.ts';

const headOf = (origin: string, size: number, key = 'a'): string =>
  `${origin}\n${size}\n${key.repeat(43)}=\n\n— ${origin} ${key.repeat(8)}\n`;

test('the longest head of a log is kept, and the first one of a length', () => {
  const heads = new LogHeads();
  expect(heads.newest).toBeUndefined();
  heads.learn(headOf('acme.example/s/1/1', 9));
  heads.learn(headOf('acme.example/s/1/1', 7, 'b'));
  heads.learn(headOf('acme.example/s/1/1', 9, 'b'));
  expect(heads.newest).toBe(headOf('acme.example/s/1/1', 9));
  heads.learn(headOf('acme.example/s/1/1', 10));
  expect(heads.newest).toBe(headOf('acme.example/s/1/1', 10));
});

test('what was known of a log is not forgotten because another was shown in between', () => {
  const heads = new LogHeads();
  heads.learn(headOf('acme.example/s/1/1', 9));
  heads.learn(headOf('acme.example/s/2/1', 1));
  expect(heads.newest).toBe(headOf('acme.example/s/2/1', 1));
  heads.learn(headOf('acme.example/s/1/1', 5));
  expect(heads.newest).toBe(headOf('acme.example/s/1/1', 9));
});

test.each([undefined, '', 'x', headOf('acme.example/s/1/1', 9).slice(0, -1)])(
  '%j is no head, and is ignored',
  (text) => {
    const heads = new LogHeads();
    heads.learn(headOf('acme.example/s/1/1', 9));
    heads.learn(text);
    expect(heads.newest).toBe(headOf('acme.example/s/1/1', 9));
  },
);
