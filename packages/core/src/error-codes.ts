/** What an error code means to the three who meet it: the OAuth client, the HTTP layer, the person. */
export interface ErrorEntry {
  /** The OAuth `error` it is answered with (RFC 6749 §5.2, RFC 9449 §5, RFC 8707 §2). */
  readonly oauth: string;
  /** The HTTP status it is answered with; 0 where it never crosses a socket. */
  readonly status: number;
  /** True when the same call may succeed later with nothing changed by its caller. */
  readonly retryable: boolean;
  /** What to do about it, for the person who reads the message. */
  readonly remedy: string;
}

const entry = (oauth: string, status: number, retryable: boolean, remedy: string): ErrorEntry => ({
  oauth,
  status,
  retryable,
  remedy,
});

/**
 * Every error that Tallystick raises or answers, and its one mapping to OAuth and HTTP. Closed here; open on the
 * wire, where an unknown code falls into the class of its OAuth `error`.
 */
export const ERROR_CODES = {
  // The request itself
  invalid_request: entry('invalid_request', 400, false, 'correct the request; the description names the fault'),
  body_too_large: entry('invalid_request', 413, false, 'send a smaller request'),
  route_unknown: entry(
    'invalid_request',
    404,
    false,
    'use a route of the workload socket; GET /.well-known/oauth-authorization-server lists them',
  ),
  method_not_allowed: entry('invalid_request', 405, false, 'use the method named in the Allow header'),
  forwarded_refused: entry(
    'access_denied',
    403,
    false,
    'connect to the socket from the workload itself, without a browser or a proxy between',
  ),
  host_refused: entry('access_denied', 403, false, 'send the issuer\'s host, or "localhost", in Host'),
  admin_refused: entry('access_denied', 403, false, 'run the command as root, or as the user of the sidecar'),
  unsupported_grant_type: entry('unsupported_grant_type', 400, false, 'use grant_type=client_credentials'),

  // Proof of possession
  use_dpop_nonce: entry('use_dpop_nonce', 400, true, 'sign the proof again with the nonce of the DPoP-Nonce header'),
  invalid_proof: entry(
    'invalid_dpop_proof',
    400,
    false,
    'send one DPoP header with a fresh proof for this method and URL; the description names the failed check',
  ),
  proof_replayed: entry('invalid_dpop_proof', 400, false, 'make a new proof for every request'),
  proof_capacity: entry(
    'temporarily_unavailable',
    503,
    true,
    'slow down; the identity has used its quota of proofs for this quarter minute',
  ),

  // Who is asking
  peer_gone: entry(
    'invalid_client',
    401,
    false,
    'connect from the process that makes the request; a connection does not outlive the one that opened it',
  ),
  identity_unknown: entry(
    'invalid_client',
    401,
    false,
    'add an identity whose "match" covers the selectors of this workload; "tallystick identities explain" shows them',
  ),
  identity_ambiguous: entry(
    'invalid_request',
    400,
    false,
    'name the identity: the Tallystick-Identity header, client_id on /token, or connect({ identity })',
  ),
  identity_mismatch: entry(
    'invalid_client',
    401,
    false,
    'ask only for an identity that the configuration gives to this workload',
  ),
  identity_suspended: entry(
    'access_denied',
    403,
    false,
    'ask the owner of the identity; an operator resumes it with "tallystick identities resume"',
  ),
  identity_expired: entry(
    'access_denied',
    403,
    false,
    'ask the owner of the identity to review it and extend "expires"',
  ),
  key_revoked: entry(
    'access_denied',
    403,
    false,
    'start the workload again, so that it makes a new key; the operator of the sidecar knows why this one was revoked',
  ),

  // What is asked for
  not_entitled: entry('access_denied', 403, false, 'add the credential to the "entitlements" of the identity'),
  credential_unknown: entry(
    'invalid_target',
    400,
    false,
    'use a credential name that the configuration has; GET /v1/identity lists those of this identity',
  ),
  invalid_target: entry(
    'invalid_target',
    400,
    false,
    'set "resource" to the audience of one credential this identity is entitled to',
  ),
  invalid_scope: entry('invalid_scope', 400, false, 'ask for a subset of the scope that the credential has'),
  assurance_too_low: entry(
    'access_denied',
    403,
    false,
    'let the sidecar see the process (a shared PID namespace), or lower "minAssurance" of the entitlement',
  ),
  lease_unknown: entry('invalid_request', 404, false, 'nothing to do: the lease has ended, or belongs to another key'),
  certificate_required: entry(
    'invalid_request',
    400,
    false,
    'send the lease id of your certificate as "certificate"; with the SDK, call the API through a rotatingDispatcher with identity.interceptor({ certificate })',
  ),
  introspection_refused: entry(
    'access_denied',
    403,
    false,
    'add the token\'s audience to "receives" of the identity of this API',
  ),
  upstream_proof_required: entry(
    'upstream_proof_required',
    400,
    true,
    'sign a proof for the authorization server named in the answer',
  ),
  csr_refused: entry(
    'invalid_request',
    400,
    false,
    'send the request that the SDK makes for this credential: one key, signed by itself, and no names',
  ),

  // An upstream
  upstream_unavailable: entry(
    'temporarily_unavailable',
    503,
    true,
    'see "tallystick status": the upstream does not answer; what was handed out before stays good until it expires',
  ),
  upstream_failed: entry(
    'temporarily_unavailable',
    503,
    true,
    'read the log of the upstream: it serves, and failed at this credential; what was handed out before stays good until it expires',
  ),
  upstream_rate_limited: entry(
    'temporarily_unavailable',
    503,
    true,
    'wait for Retry-After; raise the limit of the upstream, or share credentials between fewer sidecars',
  ),
  upstream_sealed: entry(
    'temporarily_unavailable',
    503,
    true,
    'unseal the vault, or point "address" to its active node',
  ),
  upstream_answer_invalid: entry(
    'temporarily_unavailable',
    503,
    true,
    'check that the address is that of the upstream itself, and no proxy or login page answers in its place',
  ),
  upstream_login_refused: entry(
    'temporarily_unavailable',
    503,
    true,
    'correct "auth" of the provider, or the role it names upstream; "tallystick check --online" says what is missing',
  ),
  upstream_denied: entry(
    'access_denied',
    403,
    false,
    'give the sidecar the permission upstream; "tallystick check --online" says which is missing',
  ),
  upstream_not_found: entry(
    'invalid_target',
    400,
    false,
    'correct the credential in the configuration: the upstream has nothing under that name',
  ),
  upstream_unbound: entry(
    'access_denied',
    403,
    false,
    'let the authorization server bind tokens to keys (RFC 9449) for this client; a bearer token is not handed out',
  ),

  // The sidecar cannot
  rate_limited: entry('temporarily_unavailable', 429, true, 'wait for Retry-After, then ask less often'),
  issue_limit: entry(
    'temporarily_unavailable',
    429,
    true,
    'reuse the token and the key you hold; the identity was issued more in a minute, or has more at a time, than one needs',
  ),
  overloaded: entry(
    'temporarily_unavailable',
    503,
    true,
    'wait for Retry-After; the sidecar is at its limit of requests in flight',
  ),
  stopping: entry('temporarily_unavailable', 503, true, 'retry; the sidecar is restarting'),
  record_unavailable: entry(
    'temporarily_unavailable',
    503,
    true,
    'free space or repair the disk under "state.audit"; nothing is released without its record',
  ),
  signer_unavailable: entry('temporarily_unavailable', 503, true, 'see "tallystick status": the issuer cannot sign'),
  rotation_too_soon: entry(
    'temporarily_unavailable',
    429,
    true,
    'rotate again after Retry-After; a key is published before it signs, so that every API has read it',
  ),
  internal_error: entry('server_error', 500, false, 'report it with the log lines of the sidecar; it is a defect'),

  // The SDK
  reply_untrusted: entry(
    'server_error',
    0,
    false,
    'find out who answers on the socket; where the sidecar has new keys, export the trust file again',
  ),
  authorization_server_unknown: entry(
    'access_denied',
    0,
    false,
    'name the authorization server in the trust file, or in connect({ authorizationServers }), if it is yours',
  ),
  sidecar_unavailable: entry(
    'temporarily_unavailable',
    0,
    true,
    'start the sidecar, or set TALLYSTICK_SOCKET to its workload socket',
  ),
  socket_untrusted: entry(
    'access_denied',
    0,
    false,
    'let the sidecar own its socket and folder, and let nobody else write there; a volume of a pod: mount it read-only',
  ),
  socket_path_invalid: entry(
    'invalid_request',
    0,
    false,
    'give the socket as unix:///absolute/path of at most 107 bytes (103 on macOS)',
  ),
  platform_unsupported: entry(
    'invalid_request',
    0,
    false,
    'run on Linux or macOS; Windows has no Unix peer credentials',
  ),
  protocol_error: entry('server_error', 0, false, 'run a sidecar and an SDK at most four minor versions apart'),
  url_not_covered: entry(
    'invalid_target',
    0,
    false,
    'add a "use" prefix that covers the URL to a credential of this identity',
  ),
  credential_type_mismatch: entry(
    'invalid_request',
    400,
    false,
    'ask for the type that the credential has; identity.entitlements lists it',
  ),
  credential_revoked: entry('access_denied', 0, false, 'ask the operator of the sidecar why it was revoked'),
  body_not_replayable: entry(
    'invalid_request',
    0,
    false,
    'pass the body as a string, buffer, or FormData, so that it can be sent twice',
  ),
  identity_closed: entry('invalid_request', 0, false, 'call connect() again; this identity was closed'),

  // The resource server
  verifier_misconfigured: entry(
    'invalid_request',
    0,
    false,
    'correct the options of createVerifier; the message names the one',
  ),
  token_missing: entry('invalid_request', 401, false, 'send an access token in Authorization, with the scheme DPoP'),
  invalid_token: entry(
    'invalid_token',
    401,
    false,
    'get a new access token for this API and this key; the description names the failed check',
  ),
  insufficient_scope: entry(
    'insufficient_scope',
    403,
    false,
    'add the scope named in the challenge to the credential of this identity',
  ),
  replay_store_unavailable: entry(
    'temporarily_unavailable',
    503,
    true,
    'repair the replay store; nothing is accepted that cannot be checked for replay',
  ),
  keys_unavailable: entry(
    'temporarily_unavailable',
    503,
    true,
    'let the API reach the JWKS of the issuer, or give it as a file',
  ),
  revocations_unavailable: entry(
    'temporarily_unavailable',
    503,
    true,
    'let the API reach the revocation list of the issuer; what it may have revoked since is not accepted',
  ),
  introspection_unavailable: entry(
    'temporarily_unavailable',
    503,
    true,
    'let the API reach the introspection endpoint of the issuer, as an identity that "receives" its audience',
  ),

  // Configuration and state
  config_invalid: entry(
    'invalid_request',
    0,
    false,
    'correct the configuration; "tallystick check" explains each mistake with its line',
  ),
  invalid_spiffe_id: entry('invalid_request', 0, false, 'write it as spiffe://trust-domain/path'),
  state_unusable: entry('server_error', 0, false, 'repair or move the state folder; the message names the file'),
  log_invalid: entry(
    'server_error',
    0,
    false,
    'compare the file with its replica or ask who gave it to you; what fails a check proves nothing',
  ),
  anchor_unavailable: entry(
    'temporarily_unavailable',
    0,
    true,
    'see that the witness or the replica runs and can be reached; releases go on',
  ),
  anchor_refused: entry(
    'server_error',
    0,
    false,
    'ask whoever runs the witness or the replica; the message names what does not fit',
  ),
  state_newer: entry('server_error', 0, false, 'run the version that wrote this state folder, or a later one'),
  socket_in_use: entry(
    'server_error',
    0,
    false,
    'stop the sidecar that serves this socket, or give this one another path',
  ),
  listen_failed: entry('server_error', 0, false, 'correct the path, owner or mode named in the message'),
} as const satisfies Record<string, ErrorEntry>;

/** The closed set of error codes. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** True when `code` is one of ours. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code);
}

/**
 * Returns the code that stands for an OAuth `error` whose own `code` is missing or from a newer version: one with
 * the same `error` that a caller may treat alike.
 */
export function genericCode(oauthError: string): ErrorCode {
  switch (oauthError) {
    case 'unsupported_grant_type':
    case 'use_dpop_nonce':
    case 'invalid_target':
    case 'invalid_scope':
    case 'invalid_token':
    case 'insufficient_scope':
    case 'upstream_proof_required':
      return oauthError;
    case 'invalid_dpop_proof':
      return 'invalid_proof';
    case 'invalid_client':
      return 'identity_unknown';
    case 'access_denied':
      return 'not_entitled';
    case 'temporarily_unavailable':
      return 'overloaded';
    case 'server_error':
      return 'internal_error';
    default:
      return 'invalid_request';
  }
}
