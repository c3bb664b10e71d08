import { posix } from 'node:path';
import type { TextOptions } from './shape.ts';

/** `sun_path` holds 108 bytes on Linux, the last a NUL. */
export const MAX_SOCKET_PATH_BYTES = 107;

/** A file or folder, by its one normal form: two ways to write a path would hide that two keys name the same. */
export const ABSOLUTE_PATH: TextOptions = {
  is: 'an absolute path',
  write: 'the whole path from "/", without "..", without "//" and without a "/" at the end',
  pattern: /^\/[^\p{Cc}\p{Cs}]+$/u,
  check: pathFault,
};

/** The path of a Unix socket. */
export const SOCKET_PATH: TextOptions = {
  ...ABSOLUTE_PATH,
  is: 'the path of a socket',
  write: `the whole path from "/", at most ${MAX_SOCKET_PATH_BYTES} bytes, without "..", without "//" and without a "/" at the end`,
  check: socketPathFault,
};

/** A Unix socket as a URL: `unix:///run/tallystick/api.sock`. */
export const SOCKET_URL: TextOptions = {
  is: 'the URL of a socket',
  write: 'unix:// and the path, such as unix:///run/tallystick/api.sock; or a list of { name, path }',
  pattern: /^unix:\/\/\/[^\p{Cc}\p{Cs}]+$/u,
  check: (text) => socketPathFault(socketUrlPath(text)),
};

/** Returns the path of a URL that {@link SOCKET_URL} accepts. Nothing in it is decoded. */
export function socketUrlPath(url: string): string {
  return url.slice('unix://'.length);
}

/** True when `path` is `folder` or below it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
}

/** Mode bits of a socket file. Text, because YAML reads an unquoted 0660 as six hundred and sixty. */
export const SOCKET_MODE: TextOptions = {
  is: 'a file mode',
  write: 'octal digits in quotes, such as "0660", with reading and writing for the owner',
  pattern: /^0[67][0-7]{2}$/u,
};

function pathFault(path: string): string | undefined {
  return posix.normalize(path) === path && !path.endsWith('/') ? undefined : 'it is not in its normal form';
}

function socketPathFault(path: string): string | undefined {
  const bytes = Buffer.byteLength(path);
  return bytes > MAX_SOCKET_PATH_BYTES
    ? `it has ${bytes} bytes, and the kernel takes ${MAX_SOCKET_PATH_BYTES}`
    : pathFault(path);
}
