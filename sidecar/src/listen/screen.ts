import { TallystickError } from '@tallystick/core';
import type { Limits } from './limits.ts';

/** The parts of a request that are judged before its route is looked at. An `IncomingMessage` is one. */
export interface ScreenedRequest {
  readonly method?: string | undefined;
  /** The target, as sent. */
  readonly url?: string | undefined;
  readonly httpVersion: string;
  /** Names in lower case; fields that came twice are joined. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Names and values in turn, as sent. */
  readonly rawHeaders: readonly string[];
}

/** What a listener takes. */
export interface ScreenRules {
  /** Values of `Host`, lower case; one without a port holds for every port. Undefined: any. */
  readonly hosts: ReadonlySet<string> | undefined;
  /** Undefined: any. */
  readonly methods: readonly string[] | undefined;
  /** False refuses traces of browsers and proxies: on a Unix socket, both mean that another stands between. */
  readonly forwarded: boolean;
  /** False refuses a query. */
  readonly query: boolean;
  readonly limits: Pick<Limits, 'headerFields' | 'bodyBytes'>;
}

/**
 * Returns the error with which a request is refused whatever its route, undefined if it may go on. Pure.
 *
 * The host is compared to keep web pages out (DNS rebinding), never to decide who is asked for: `iss` and `htu` come
 * from the configuration.
 */
export function screen(request: ScreenedRequest, rules: ScreenRules): TallystickError | undefined {
  return (
    screenForwarded(request, rules) ??
    screenHost(request.headers.host, rules.hosts) ??
    screenSize(request, rules.limits) ??
    screenMessage(request, rules)
  );
}

/** The hosts of a workload socket: that of the issuer's URL, and what clients send that know only the socket. */
export function workloadHosts(issuer: string): ReadonlySet<string> {
  return new Set([new URL(issuer).host, 'localhost']);
}

/** Fields that a browser or a proxy adds and no client of a Unix socket has a use for. */
const FORWARDED = ['origin', 'referer', 'forwarded', 'via'] as const;
const FORWARDED_PREFIX = /^x-forwarded-/i;

function screenForwarded({ headers, rawHeaders }: ScreenedRequest, rules: ScreenRules): TallystickError | undefined {
  if (rules.forwarded) return undefined;
  const name = FORWARDED.find((field) => headers[field] !== undefined) ?? forwardedField(rawHeaders);
  return name === undefined
    ? undefined
    : new TallystickError('forwarded_refused', `the request carries "${name}": it came through a browser or a proxy`);
}

function forwardedField(rawHeaders: readonly string[]): string | undefined {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (FORWARDED_PREFIX.test(rawHeaders[i] as string)) return rawHeaders[i]?.toLowerCase();
  }
  return undefined;
}

function screenHost(
  host: string | string[] | undefined,
  hosts: ReadonlySet<string> | undefined,
): TallystickError | undefined {
  if (typeof host !== 'string') return new TallystickError('invalid_request', 'the request has no Host header field');
  // Two Host fields arrive joined, and so match nothing.
  const asked = host.toLowerCase();
  if (hosts === undefined || hosts.has(asked) || hosts.has(asked.replace(/:\d*$/, ''))) return undefined;
  return new TallystickError('host_refused', 'the request is for a host that is not served here');
}

function screenSize(
  { headers, rawHeaders }: ScreenedRequest,
  limits: ScreenRules['limits'],
): TallystickError | undefined {
  if (rawHeaders.length > 2 * limits.headerFields) {
    return new TallystickError('body_too_large', `the request has more than ${limits.headerFields} header fields`);
  }
  // Digits only, by the parser; a body without a length is counted as it is read.
  return Number(headers['content-length'] ?? 0) > limits.bodyBytes ? bodyTooLarge(limits.bodyBytes) : undefined;
}

/** The refusal of a body beyond `limit` bytes. */
export function bodyTooLarge(limit: number): TallystickError {
  return new TallystickError('body_too_large', `the body is larger than ${limit} bytes`);
}

function screenMessage(request: ScreenedRequest, rules: ScreenRules): TallystickError | undefined {
  const { url = '', httpVersion, headers } = request;
  if (httpVersion !== '1.1') return new TallystickError('invalid_request', 'the request is not HTTP/1.1');
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding !== 'chunked') {
    return new TallystickError('invalid_request', 'the transfer coding is not "chunked"');
  }
  if (!url.startsWith('/')) return new TallystickError('invalid_request', 'the request target is not a path');
  if (!rules.query && url.includes('?')) return new TallystickError('invalid_request', 'no route takes a query');
  if (rules.methods !== undefined && !rules.methods.includes(request.method ?? '')) {
    return new TallystickError('method_not_allowed', `only ${rules.methods.join(' and ')} are answered here`);
  }
  return undefined;
}
