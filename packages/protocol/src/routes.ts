/** The routes of the workload socket. Those that end in `/` take one more path segment. */
export const ROUTES = {
  metadata: '/.well-known/oauth-authorization-server',
  jwks: '/jwks',
  token: '/token',
  revoke: '/revoke',
  introspect: '/introspect',
  identity: '/v1/identity',
  credentials: '/v1/credentials/',
  leases: '/v1/leases/',
  events: '/v1/events',
  usage: '/v1/usage',
  /** Also on the public listener, as are `metadata` and `jwks`. */
  revocations: '/revocations',
} as const;

/** The header fields that Tallystick adds to HTTP or takes from RFC 9449, lower case as Node gives them. */
export const HEADERS = {
  proof: 'dpop',
  nonce: 'dpop-nonce',
  /** Selects among several identities on `/v1/*`: a SPIFFE ID. */
  identity: 'tallystick-identity',
} as const;

/** The versions of this contract that this package speaks. */
export const PROTOCOL_VERSIONS = [1] as const;

/** What a proof for `route` names as `htu`: the issuer URL and the route, whatever the socket. */
export function htuOfRoute(issuer: string, route: string): string {
  return issuer.replace(/\/$/, '') + route;
}
