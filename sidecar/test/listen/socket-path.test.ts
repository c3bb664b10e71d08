import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { socketPaths } from '../../src/listen/socket-path.ts';

const invalid = expect.objectContaining({ code: 'socket_path_invalid' });

describe('the length of a path', () => {
  const path = (length: number): string => `/run/${'d'.repeat(length - 14)}/api.sock`;

  test.each([
    ['linux', 107],
    ['darwin', 103],
  ] as const)('on %s is at most %i bytes', (platform, limit) => {
    expect(socketPaths(path(limit), platform).socket).toBe(path(limit));
    expect(() => socketPaths(path(limit + 1), platform)).toThrow(invalid);
    expect(() => socketPaths(path(limit + 3), platform)).toThrow(/is 3 bytes too long/);
  });

  test('is counted in bytes', () => {
    expect(() => socketPaths(`/run/${'ä'.repeat(50)}/api.sock`, 'linux')).toThrow(invalid);
    expect(() => socketPaths(`/run/${'ä'.repeat(52)}`, 'linux')).toThrow(invalid);
  });

  test('leaves room for the place where the socket is made', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 120 }), fc.integer({ min: 1, max: 12 }), (folder, name) => {
        let paths;
        try {
          paths = socketPaths(`/${'d'.repeat(folder)}/${'n'.repeat(name)}`, 'linux');
        } catch {
          return;
        }
        expect(Math.max(paths.staged.length, paths.socket.length)).toBeLessThanOrEqual(107);
      }),
    );
  });
});

test.each([
  'run/api.sock',
  '',
  '/run/../api.sock',
  '/run//api.sock',
  '/run/api.sock/',
  '/',
  '\0abstract',
  '@abstract',
  '/run/a\0b',
])('%j is refused', (path) => {
  expect(() => socketPaths(path)).toThrow(invalid);
});

test('two sockets of one folder are not made in the same place, and one always in its own', () => {
  const first = socketPaths('/run/tallystick/a.sock');
  const second = socketPaths('/run/tallystick/b.sock');
  expect(first.staging).not.toBe(second.staging);
  expect(socketPaths('/run/tallystick/a.sock')).toEqual(first);
});
