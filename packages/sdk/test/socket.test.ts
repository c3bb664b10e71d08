import { describe, expect, test } from 'vitest';
import { socketCandidates } from '../src/socket.ts';

const candidates = (option?: string, env: Record<string, string> = {}, platform: NodeJS.Platform = 'linux') =>
  socketCandidates({ option, env, platform });
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('which socket', () => {
  test('the option wins over the environment, as a URL or a path', () => {
    expect(candidates('unix:///a/b.sock', { TALLYSTICK_SOCKET: 'unix:///c' })).toEqual(['/a/b.sock']);
    expect(candidates('/a/b.sock')).toEqual(['/a/b.sock']);
  });

  test('TALLYSTICK_SOCKET wins over the usual places; empty, it is as if unset', () => {
    expect(candidates(undefined, { TALLYSTICK_SOCKET: 'unix:///c', XDG_RUNTIME_DIR: '/run/user/1' })).toEqual(['/c']);
    expect(candidates(undefined, { TALLYSTICK_SOCKET: '' })).toEqual(['/run/tallystick/api.sock']);
  });

  test('the usual places are that of the user, then that of the machine', () => {
    expect(candidates(undefined, { XDG_RUNTIME_DIR: '/run/user/1/' })).toEqual([
      '/run/user/1/tallystick/api.sock',
      '/run/tallystick/api.sock',
    ]);
    expect(candidates(undefined, { XDG_RUNTIME_DIR: 'relative' })).toEqual(['/run/tallystick/api.sock']);
  });

  test.each(['a/b.sock', 'unix://a/b', 'http://localhost', '', '/a\0b'])('%j is refused', (path) => {
    expect(() => candidates(path)).toThrow(code('socket_path_invalid'));
  });

  test('a path the kernel would cut is refused with its length in bytes', () => {
    expect(candidates(`/${'a'.repeat(106)}`)).toHaveLength(1);
    expect(() => candidates(`/${'a'.repeat(107)}`)).toThrow(/has 108 bytes; the longest socket path here has 107/);
    expect(() => candidates(`/${'é'.repeat(54)}`)).toThrow(code('socket_path_invalid'));
    expect(() => candidates(`/${'a'.repeat(103)}`, {}, 'darwin')).toThrow(code('socket_path_invalid'));
  });

  test('Windows is refused in words', () => {
    expect(() => candidates('/a', {}, 'win32')).toThrow(code('platform_unsupported'));
  });
});
