import { readFileSync } from 'node:fs';
import { parseKeySet, type IssuerKey } from './key-set.ts';
import { parseLocation, type Location } from './location.ts';
import { misconfigured, requireKnownOptions } from './misconfigured.ts';
import { checkSubjects } from './subject.ts';
import { isTokenAlgorithm, TOKEN_ALGORITHMS, type TokenAlgorithm } from './token-algorithm.ts';

/** How the list of what an issuer took back is read. */
export interface RevocationOptions {
  /** An https URL, an http URL of a loopback address, or `unix:` and a socket (`GET /revocations` there). */
  readonly url: string | URL;
  /** Milliseconds from one look to the next: how long a revoked token may go on. Default 5,000. */
  readonly pollMs?: number;
  /**
   * What becomes of requests once the list in hand has ended (after 300 s, from a sidecar) and no newer one can be
   * read. `refuse`, the default: they are answered with 503. `accept`: tokens are good until they expire.
   */
  readonly whenStale?: 'refuse' | 'accept';
}

/** How an issuer is asked whether a token is still good (RFC 7662). */
export interface IntrospectionOptions {
  /** An https URL, an http URL of a loopback address, or `unix:` and a socket (`POST /introspect` there). */
  readonly url: string | URL;
  /** Returns the value of `Authorization`; called for every question. Not needed on a sidecar's socket. */
  readonly authorization?: () => string | Promise<string>;
  /** Milliseconds for which an answer is gone by. Default 5,000. */
  readonly cacheMs?: number;
}

/** An issuer whose tokens are accepted. `tallystick issuer export` writes one as a file. */
export interface TrustedIssuer {
  /** Its `iss`, to the letter. */
  readonly issuer: string;
  /**
   * Its public keys, or where they are read: an https URL, an http URL of a loopback address, `file:`, or `unix:` and
   * the path of a socket (`GET /jwks` there).
   */
  readonly jwks: { readonly keys: readonly object[] } | string | URL;
  /**
   * For whom it may speak: a SPIFFE ID and `/` covers those below it, anything else covers itself alone. `['*']`
   * covers every subject that is not a SPIFFE ID: for an authorization server that serves nobody else.
   */
  readonly subjects: readonly string[];
  /** The signature algorithms it uses. Default: all of {@link TokenAlgorithm}. */
  readonly algorithms?: readonly TokenAlgorithm[];
  readonly revocations?: string | URL | RevocationOptions;
  readonly introspection?: string | URL | IntrospectionOptions;
}

/** A trusted issuer with its defaults. */
export interface IssuerSettings {
  readonly issuer: string;
  readonly keys: { readonly fixed: readonly IssuerKey[] } | { readonly location: Location };
  readonly subjects: readonly string[];
  readonly algorithms: readonly TokenAlgorithm[];
  readonly revocations:
    | { readonly location: Location; readonly pollMs: number; readonly whenStale: 'refuse' | 'accept' }
    | undefined;
  readonly introspection:
    | {
        readonly location: Location;
        readonly authorization: (() => string | Promise<string>) | undefined;
        readonly cacheMs: number;
      }
    | undefined;
}

/**
 * Reads a file that `tallystick issuer export` wrote. Synchronous: for the start of a service.
 *
 * @throws {TallystickError} `verifier_misconfigured`
 */
export function readIssuerFile(path: string | URL): TrustedIssuer {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as TrustedIssuer;
  } catch (cause) {
    const why =
      cause instanceof SyntaxError ? 'is not JSON' : `cannot be read: ${(cause as NodeJS.ErrnoException).code}`;
    throw misconfigured(`the issuer file ${String(path)} ${why}`);
  }
}

/** @throws {TallystickError} `verifier_misconfigured` */
export function parseIssuers(issuers: readonly TrustedIssuer[] | undefined): readonly IssuerSettings[] {
  if (!Array.isArray(issuers) || issuers.length === 0) {
    throw misconfigured('"issuers" must name at least one issuer whose tokens are accepted');
  }
  const parsed = (issuers as readonly TrustedIssuer[]).map(parseIssuer);
  const names = new Set(parsed.map(({ issuer }) => issuer));
  if (names.size < parsed.length) throw misconfigured('"issuers" names one issuer twice');
  return parsed;
}

const ISSUER_OPTIONS: Readonly<Record<keyof TrustedIssuer, true>> = {
  issuer: true,
  jwks: true,
  subjects: true,
  algorithms: true,
  revocations: true,
  introspection: true,
};

function parseIssuer(options: TrustedIssuer): IssuerSettings {
  requireKnownOptions(options, ISSUER_OPTIONS, 'issuers');
  const { issuer, subjects, algorithms = TOKEN_ALGORITHMS } = options;
  if (typeof issuer !== 'string' || issuer === '') throw misconfigured('"issuer" must be the "iss" of its tokens');
  checkSubjects(subjects, issuer);
  if (!Array.isArray(algorithms) || !algorithms.every(isTokenAlgorithm)) {
    throw misconfigured(`"algorithms" of ${issuer} may have ${TOKEN_ALGORITHMS.join(', ')}`);
  }
  return {
    issuer,
    keys: parseKeys(options),
    subjects: [...subjects],
    algorithms,
    revocations: parseRevocations(options.revocations),
    introspection: parseIntrospection(options.introspection),
  };
}

function parseKeys({ jwks, issuer }: TrustedIssuer): IssuerSettings['keys'] {
  if (typeof jwks === 'string' || jwks instanceof URL) return { location: parseLocation(jwks, 'jwks', '/jwks') };
  try {
    const fixed = parseKeySet(jwks);
    if (fixed.length > 0) return { fixed };
  } catch {
    // The same remedy as for a set without a key that is of use.
  }
  throw misconfigured(`"jwks" of ${issuer} must be a URL or a JWK Set with a public key for signatures`);
}

function parseRevocations(options: TrustedIssuer['revocations']): IssuerSettings['revocations'] {
  if (options === undefined) return undefined;
  const read: RevocationOptions = withUrl(options);
  requireKnownOptions(read, { url: true, pollMs: true, whenStale: true }, 'revocations');
  const { url, pollMs = 5_000, whenStale = 'refuse' } = read;
  const location = parseLocation(url, 'revocations', '/revocations');
  requireMs('pollMs', pollMs, 100);
  if (whenStale !== 'refuse' && whenStale !== 'accept') throw misconfigured('"whenStale" must be refuse or accept');
  return { location, pollMs, whenStale };
}

function parseIntrospection(options: TrustedIssuer['introspection']): IssuerSettings['introspection'] {
  if (options === undefined) return undefined;
  const asked: IntrospectionOptions = withUrl(options);
  requireKnownOptions(asked, { url: true, authorization: true, cacheMs: true }, 'introspection');
  const { url, authorization, cacheMs = 5_000 } = asked;
  const location = parseLocation(url, 'introspection', '/introspect');
  if (location.kind === 'file') throw misconfigured('"introspection" cannot be a file');
  requireMs('cacheMs', cacheMs, 0);
  return { location, authorization, cacheMs };
}

function withUrl<T extends { readonly url: string | URL }>(options: string | URL | T): T {
  return typeof options === 'string' || options instanceof URL ? ({ url: options } as T) : options;
}

function requireMs(name: string, value: number, least: number): void {
  if (!(value >= least && value <= 3_600_000)) {
    throw misconfigured(`"${name}" must be milliseconds from ${least} to 3,600,000`);
  }
}
