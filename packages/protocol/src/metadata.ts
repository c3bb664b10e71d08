import { PROOF_ALGORITHMS } from '@tallystick/dpop';
import { readJson, readText, fault } from './read.ts';
import { htuOfRoute, PROTOCOL_VERSIONS, ROUTES } from './routes.ts';

/** What `GET /.well-known/oauth-authorization-server` answers (RFC 8414). */
export interface ServerMetadata {
  readonly issuer: string;
  readonly tallystick_protocol: readonly number[];
}

/** Returns the metadata document of an issuer (RFC 8414 §2, RFC 9449 §5.1). */
export function serverMetadata(issuer: string): ServerMetadata & Record<string, unknown> {
  const at = (route: string): string => htuOfRoute(issuer, route);
  return {
    issuer,
    token_endpoint: at(ROUTES.token),
    jwks_uri: at(ROUTES.jwks),
    revocation_endpoint: at(ROUTES.revoke),
    introspection_endpoint: at(ROUTES.introspect),
    response_types_supported: [],
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['none'],
    revocation_endpoint_auth_methods_supported: ['none'],
    introspection_endpoint_auth_methods_supported: ['none'],
    dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
    dpop_bound_access_tokens_required: true,
    tallystick_protocol: PROTOCOL_VERSIONS,
  };
}

/**
 * Reads the metadata of a sidecar.
 *
 * @throws {TallystickError} `protocol_error`: it is none, or speaks no version of the protocol that this side does.
 */
export function parseServerMetadata(body: string): ServerMetadata {
  const what = 'metadata of the sidecar';
  const members = readJson(body, what);
  const issuer = readText(members, 'issuer', what);
  const versions = members.tallystick_protocol;
  if (!Array.isArray(versions) || !PROTOCOL_VERSIONS.some((version) => versions.includes(version))) {
    throw fault(what, `names no protocol version out of ${PROTOCOL_VERSIONS.join(', ')}`);
  }
  return { issuer, tallystick_protocol: versions.filter((version) => typeof version === 'number') };
}
