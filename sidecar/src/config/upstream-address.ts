import { isLoopbackHost, TallystickError } from '@tallystick/core';
import { readNamedFile } from './named-file.ts';
import type { TextOptions } from './shape.ts';

/** Where an upstream answers: https, or http on a loopback address. Its credentials go nowhere else. */
export const UPSTREAM_ADDRESS: TextOptions = {
  is: 'the address of an upstream',
  write: 'https and a host, perhaps a port and a path, without a slash at its end: https://sts.googleapis.com',
  pattern: /^https?:\/\/[^\s?#\\]{1,500}$/u,
  check: (written) => {
    const url = URL.parse(written);
    if (!url) return 'it is malformed';
    if (url.username !== '' || url.password !== '') return 'it carries user information';
    if (written.endsWith('/')) return 'it ends with a slash';
    return url.protocol === 'https:' || isLoopbackHost(url.hostname)
      ? undefined
      : 'it must be https, or http on a loopback address such as 127.0.0.1';
  },
};

const MAX_BYTES = 1_048_576;

/**
 * Returns the PEM of the authorities that an upstream's certificate is verified by; undefined where none are named.
 *
 * @throws {TallystickError} `config_invalid`: the file cannot be used.
 */
export async function readAuthorities(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const file = await readNamedFile(path, MAX_BYTES);
  if (file.ok) return file.bytes.toString('utf8');
  throw new TallystickError('config_invalid', `"ca" ${file.message}`, { remedy: file.remedy });
}
