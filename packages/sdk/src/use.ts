import { longestUsePrefix, parseUsePrefix, printable, TallystickError, type UsePrefix } from '@tallystick/core';
import type { EntitledCredential } from '@tallystick/protocol';

/** Decides which credential goes with a URL. Made anew when the entitlements change. */
export interface UseTable {
  /**
   * Returns the credential whose `use` prefix is the longest that covers `url`; of those named `credential` alone,
   * where it is given.
   *
   * @throws {TallystickError} `not_entitled`: no such credential. `url_not_covered`: none may go there.
   */
  pick(url: URL, credential?: string): EntitledCredential;
  /** As {@link UseTable.pick}, but undefined where that throws. */
  find(url: URL, credential?: string): EntitledCredential | undefined;
  /**
   * Returns the credential of that name.
   *
   * @throws {TallystickError} `not_entitled`
   */
  named(name: string): EntitledCredential;
}

/** Returns the table over what an identity may have. Prefixes that this version cannot read cover nothing. */
export function createUseTable(credentials: readonly EntitledCredential[]): UseTable {
  const byName = new Map(credentials.map((credential) => [credential.name, credential]));
  const prefixes = credentials.flatMap(prefixesOf);
  const prefixesByName = new Map<string, readonly Covering[]>();
  for (const credential of credentials) prefixesByName.set(credential.name, prefixesOf(credential));

  const find = (url: URL, name?: string): EntitledCredential | undefined =>
    longestUsePrefix(name === undefined ? prefixes : (prefixesByName.get(name) ?? []), url)?.credential;
  const named = (name: string): EntitledCredential => {
    const credential = byName.get(name);
    if (credential) return credential;
    const names = [...byName.keys()].join(', ') || 'none';
    throw new TallystickError(
      'not_entitled',
      `there is no credential "${printable(name)}" for this identity; it has: ${names}`,
    );
  };
  return {
    find,
    named,
    pick(url, name) {
      const credential = find(url, name);
      if (credential) return credential;
      const candidates = name === undefined ? prefixes : prefixesOf(named(name));
      const known = candidates.map((prefix) => `${prefix.text} (${prefix.credential.name})`).join(', ') || 'none';
      throw new TallystickError('url_not_covered', `no credential may be sent to ${whereOf(url)}; prefixes: ${known}`);
    },
  };
}

interface Covering extends UsePrefix {
  readonly credential: EntitledCredential;
}

function prefixesOf(credential: EntitledCredential): readonly Covering[] {
  // Nothing but a token is sent as a token.
  if (credential.type !== 'access-token') return [];
  return credential.use.flatMap((text) => {
    const prefix = parseUsePrefix(text);
    return typeof prefix === 'string' ? [] : [{ ...prefix, credential }];
  });
}

// Neither query nor user information: both carry secrets.
function whereOf(url: URL): string {
  return printable(url.origin + url.pathname, 200);
}
