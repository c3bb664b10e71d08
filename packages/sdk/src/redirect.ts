/** What an answer asks of the next request, by the fetch standard's HTTP-redirect fetch. */
export type Redirect =
  /** The answer is the last one. */
  | { readonly kind: 'none' }
  /** Go on to `url`. */
  | {
      readonly kind: 'follow';
      readonly url: URL;
      readonly method: string;
      /** The body and the headers that describe it stay behind. */
      readonly dropBody: boolean;
      /** Another URL origin: nothing that authenticates may go with it. */
      readonly crossOrigin: boolean;
    }
  /** A network error. */
  | { readonly kind: 'fail'; readonly reason: string };

/** What a request wants done with redirects. */
export type RedirectMode = NonNullable<RequestInit['redirect']>;

/** What was sent, as far as a redirect depends on it. */
export interface RedirectedRequest {
  readonly url: URL;
  readonly method: string;
  readonly redirect: RedirectMode;
  readonly replayable: boolean;
}

/** As in every browser and in undici: the twenty-first is a network error. */
export const MAX_REDIRECTS = 20;

/** The headers that describe a body, gone with it (fetch §"request-body-header name"). */
export const BODY_HEADERS = [
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
  'content-length',
];

/** The headers that do not go to another URL origin. `dpop` is ours; the rest is what undici drops. */
export const CREDENTIAL_HEADERS = ['authorization', 'dpop', 'proxy-authorization', 'cookie', 'host'];

/**
 * Judges one answer.
 *
 * @param count Redirects already followed.
 * @see https://fetch.spec.whatwg.org/#http-redirect-fetch
 */
export function judgeRedirect(
  answer: { readonly status: number; readonly location: string | null },
  request: RedirectedRequest,
  count: number,
): Redirect {
  if (!REDIRECT_STATUS.has(answer.status) || request.redirect === 'manual') return { kind: 'none' };
  if (request.redirect === 'error') return fail('unexpected redirect');
  if (answer.location === null) return { kind: 'none' };
  if (!URL.canParse(answer.location, request.url.href)) return fail('the Location header is not a URL');
  const url = new URL(answer.location, request.url);
  if (url.hash === '') url.hash = request.url.hash;
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return fail('URL scheme must be a HTTP(S) scheme');
  if (count >= MAX_REDIRECTS) return fail('redirect count exceeded');
  if (url.username !== '' || url.password !== '') return fail('a redirect must not carry user information');
  if (answer.status !== 303 && !request.replayable) return fail('the body is a stream, which cannot follow a redirect');
  const dropBody =
    ((answer.status === 301 || answer.status === 302) && request.method === 'POST') ||
    (answer.status === 303 && request.method !== 'GET' && request.method !== 'HEAD');
  return {
    kind: 'follow',
    url,
    method: dropBody ? 'GET' : request.method,
    dropBody,
    crossOrigin: url.origin !== request.url.origin,
  };
}

const REDIRECT_STATUS = new Set([301, 302, 303, 307, 308]);

function fail(reason: string): Redirect {
  return { kind: 'fail', reason };
}
