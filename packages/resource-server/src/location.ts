import { fileURLToPath } from 'node:url';
import { isLoopbackHost } from '@tallystick/core';
import { misconfigured } from './misconfigured.ts';

/** Where a document of an issuer is read from. Always from the configuration, never from a token. */
export type Location =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'http'; readonly url: URL }
  /** HTTP over a Unix socket. */
  | { readonly kind: 'unix'; readonly socketPath: string; readonly route: string };

/**
 * Reads a location: an https URL, an http URL of a loopback address, `file:`, or `unix:` and the absolute path of a
 * socket.
 *
 * @param option The name of the option, for the error.
 * @param route What is asked for on a Unix socket, which has no room for it in its URL.
 * @throws {TallystickError} `verifier_misconfigured`
 */
export function parseLocation(text: string | URL, option: string, route: string): Location {
  const url = URL.canParse(String(text)) ? new URL(text) : undefined;
  switch (url?.protocol) {
    case 'unix:': {
      const socketPath = decodeURIComponent(url.pathname);
      if (url.host !== '' || !socketPath.startsWith('/')) break;
      return { kind: 'unix', socketPath, route };
    }
    case 'file:':
      if (url.host !== '') break;
      return { kind: 'file', path: fileURLToPath(url) };
    case 'https:':
    case 'http:':
      if (url.username !== '' || url.password !== '') break;
      if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) break;
      return { kind: 'http', url };
    default:
  }
  throw misconfigured(
    `"${option}" must be an https URL, an http URL of a loopback address, "file:/absolute/path" or "unix:/absolute/path"`,
  );
}
