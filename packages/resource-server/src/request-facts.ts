/**
 * A request as Node gives it: `http.IncomingMessage`, `http2.Http2ServerRequest`, and what frameworks derive from
 * them. `rawHeaders` is read because `headers` hides a second `Authorization` and joins two `DPoP` into one.
 */
export interface NodeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** The URL before a router took a mount path off it (Express, Connect, Fastify). */
  readonly originalUrl?: string | undefined;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
}

/** A request that can be verified: a Web `Request` or one of Node. */
export type IncomingRequest = Request | NodeRequest;

/** What verification looks at. */
export interface RequestFacts {
  readonly method: string;
  /** From the first slash to the query, as it was sent. */
  readonly path: string;
  /** `Host`, or `:authority`. Says nothing that is believed: it selects among the configured public origins. */
  readonly host: readonly string[];
  readonly forwardedHost: readonly string[];
  /** One for each header line. */
  readonly authorization: readonly string[];
  /** One for each header line. */
  readonly dpop: readonly string[];
}

/** Reads a request. Nothing is judged, and nothing of the body is touched. */
export function readRequest(request: IncomingRequest): RequestFacts {
  return 'rawHeaders' in request ? readNodeRequest(request) : readWebRequest(request);
}

function readNodeRequest({ method = '', url = '', originalUrl = url, rawHeaders }: NodeRequest): RequestFacts {
  const host: string[] = [];
  const forwardedHost: string[] = [];
  const authorization: string[] = [];
  const dpop: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    // By length first: this runs over every header of every request.
    switch (name.length) {
      case 4: {
        const lower = name.toLowerCase();
        if (lower === 'dpop') dpop.push(rawHeaders[i + 1]!);
        else if (lower === 'host') host.push(rawHeaders[i + 1]!);
        break;
      }
      case 10:
        if (name.toLowerCase() === ':authority') host.push(rawHeaders[i + 1]!);
        break;
      case 13:
        if (name.toLowerCase() === 'authorization') authorization.push(rawHeaders[i + 1]!);
        break;
      case 16:
        if (name.toLowerCase() === 'x-forwarded-host') forwardedHost.push(...listed(rawHeaders[i + 1]!));
        break;
    }
  }
  return { method, path: pathOf(originalUrl), host, forwardedHost, authorization, dpop };
}

function readWebRequest({ method, url, headers }: Request): RequestFacts {
  const get = (name: string): readonly string[] => {
    const value = headers.get(name);
    // Header lines of one name arrive joined. Neither a token, nor a proof, nor a host has a comma in it.
    return value === null ? [] : listed(value);
  };
  const host = get('host');
  return {
    method,
    path: pathOf(url),
    host: host.length > 0 ? host : [authorityOf(url)],
    forwardedHost: get('x-forwarded-host'),
    authorization: get('authorization'),
    dpop: get('dpop'),
  };
}

function listed(value: string): readonly string[] {
  return value.includes(',') ? value.split(',').map((part) => part.trim()) : [value];
}

// Of the absolute form too (RFC 9112 §3.2.2), whose authority is not looked at.
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i;

function pathOf(url: string): string {
  const start = url.startsWith('/') ? 0 : (ABSOLUTE.exec(url)?.[0].length ?? url.length);
  const end = url.slice(start).search(/[?#]/);
  return url.slice(start, end < 0 ? undefined : start + end);
}

function authorityOf(url: string): string {
  return ABSOLUTE.exec(url)?.[1] ?? '';
}
