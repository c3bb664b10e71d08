import { isLoopbackHost } from '@tallystick/core';
import { Fault } from './fault.ts';
import { misconfigured, requireKnownOptions } from './misconfigured.ts';
import type { RequestFacts } from './request-facts.ts';

/** Where clients reach this API, when a proxy changes the path on the way. */
export interface PublicOriginOptions {
  /** The URL in front of the proxy, such as `https://api.acme.example/ledger`. */
  readonly url: string;
  /** The path that the proxy puts in the place of the path of `url`, such as `/v2`. Default: none. */
  readonly internalPrefix?: string;
}

/** One place where clients reach this API. */
export interface PublicOrigin {
  /** Scheme, host, port and path, without a slash at the end. */
  readonly base: string;
  /** As `URL.origin` gives it. */
  readonly origin: string;
  /** Empty, or begins with a slash and ends without one. */
  readonly path: string;
  /** Empty, or begins with a slash and ends without one. */
  readonly internalPrefix: string;
  /** The forms in which `Host` names it: without the default port, and with it. */
  readonly hosts: readonly string[];
}

/** Where a request was sent to, in the eyes of its client. */
export interface Target {
  readonly origin: PublicOrigin;
  /** What `htu` has to be (RFC 9449 §4.3 step 9). */
  readonly url: string;
}

/** @throws {TallystickError} `verifier_misconfigured` */
export function parsePublicOrigins(
  options: readonly (string | PublicOriginOptions)[] | undefined,
): readonly PublicOrigin[] {
  if (!Array.isArray(options) || options.length === 0) {
    throw misconfigured('"publicOrigins" must be a list, with at least one URL under which clients reach this API');
  }
  const origins = options.map((option) => parseOrigin(typeof option === 'string' ? { url: option } : option));
  for (const [i, one] of origins.entries()) {
    for (const other of origins.slice(i + 1)) {
      if (one.internalPrefix === other.internalPrefix && one.hosts.some((host) => other.hosts.includes(host))) {
        throw misconfigured(`"publicOrigins" has ${one.base} and ${other.base}, which no request could tell apart`);
      }
    }
  }
  return origins;
}

function parseOrigin(options: PublicOriginOptions): PublicOrigin {
  requireKnownOptions(options, { url: true, internalPrefix: true }, 'publicOrigins');
  const { url, internalPrefix = '' } = options;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || /[?#@\\]/.test(url)) {
    throw misconfigured(`"publicOrigins" must hold absolute URLs without query, fragment and user information`);
  }
  if (parsed.protocol !== 'https:' && !(parsed.protocol === 'http:' && isLoopbackHost(parsed.hostname))) {
    throw misconfigured(
      `"publicOrigins" must be https, or http on a loopback address such as 127.0.0.1: ${parsed.href}`,
    );
  }
  const prefix = internalPrefix.replace(/\/$/, '');
  if (prefix !== '' && !/^(\/[\w.~-]+)+$/.test(prefix)) {
    throw misconfigured('"internalPrefix" must be a path such as "/v2"');
  }
  const path = parsed.pathname.replace(/\/$/, '');
  const port = parsed.port || (parsed.protocol === 'https:' ? '443' : '80');
  const hosts = [...new Set([parsed.host, `${parsed.hostname}:${port}`])];
  return { base: parsed.origin + path, origin: parsed.origin, path, internalPrefix: prefix, hosts };
}

/**
 * Returns what the client must have called the target of its request. `Host` selects one of `origins` where there
 * are several hosts; where it names none of them, as behind a proxy, `X-Forwarded-Host` does. Neither can add one.
 *
 * @throws {Fault} `target`
 */
export function targetOf(origins: readonly PublicOrigin[], { path, host, forwardedHost }: RequestFacts): Target {
  if (!path.startsWith('/')) throw new Fault('target', 'the target of the request is not a path');
  let found: PublicOrigin | undefined;
  for (const origin of originsNamed(origins, { host, forwardedHost })) {
    if (!isBelow(path, origin.internalPrefix)) continue;
    if (!found || origin.internalPrefix.length > found.internalPrefix.length) found = origin;
  }
  if (!found) throw new Fault('target', 'the request was not sent to a public origin of this API');
  return { origin: found, url: found.base + path.slice(found.internalPrefix.length) };
}

/** Returns those of `origins` whose host the request names: all where there is one host, none where it is unclear. */
export function originsNamed(
  origins: readonly PublicOrigin[],
  { host, forwardedHost }: Pick<RequestFacts, 'host' | 'forwardedHost'>,
): readonly PublicOrigin[] {
  const first = origins[0]!;
  if (origins.every(({ origin }) => origin === first.origin)) return origins;
  for (const names of [host, forwardedHost]) {
    const lower = names.map((name) => name.toLowerCase());
    const named = origins.filter(({ hosts }) => hosts.some((name) => lower.includes(name)));
    // Two that differ: each hop may have added its own, and none is better than the other.
    if (named.length > 0) return named.every(({ origin }) => origin === named[0]!.origin) ? named : [];
  }
  return [];
}

function isBelow(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/' || prefix === '');
}
