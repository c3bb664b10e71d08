import { isLoopbackHost, TallystickError } from '@tallystick/core';

/** What the metadata of an authorization server says of it (RFC 8414 §2), as far as it is of use here. */
export interface ServerMetadata {
  readonly tokenEndpoint: string;
  /** Undefined where it does not say. */
  readonly grants: readonly string[] | undefined;
  /** Algorithms of proofs; undefined where it does not say that it knows DPoP (RFC 9449 §5.1). */
  readonly proofAlgorithms: readonly string[] | undefined;
  readonly authenticationMethods: readonly string[] | undefined;
}

/** The URLs at which an issuer may have its metadata: by RFC 8414 §3.1, then by OpenID Connect Discovery §4. */
export function metadataUrls(issuer: string): readonly [oauth: string, openid: string] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
}

/**
 * Reads the metadata of an issuer. Metadata of another issuer than the configured one is refused (RFC 8414 §3.3): what
 * proves our client would go to whoever wrote it.
 *
 * @throws {TallystickError} `upstream_answer_invalid`
 */
export function readServerMetadata(
  name: string,
  issuer: string,
  members: Readonly<Record<string, unknown>>,
): ServerMetadata {
  if (members.issuer !== issuer) {
    throw new TallystickError('upstream_answer_invalid', `the metadata of "${name}" is that of another issuer`, {
      remedy: 'correct "issuer" of the provider: it is compared with the metadata character by character',
    });
  }
  const { token_endpoint: tokenEndpoint } = members;
  if (typeof tokenEndpoint !== 'string' || !isEndpoint(tokenEndpoint, issuer)) {
    throw new TallystickError('upstream_answer_invalid', `the metadata of "${name}" names no https token endpoint`);
  }
  return {
    tokenEndpoint,
    grants: texts(members.grant_types_supported),
    proofAlgorithms: texts(members.dpop_signing_alg_values_supported),
    authenticationMethods: texts(members.token_endpoint_auth_methods_supported),
  };
}

/** In clear only where the issuer itself is, on this host: metadata from elsewhere must not reach what listens here. */
function isEndpoint(text: string, issuer: string): boolean {
  const url = text.length <= 2048 ? URL.parse(text) : null;
  if (!url || url.username !== '' || url.password !== '' || url.hash !== '') return false;
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && isLoopbackHost(url.hostname) && new URL(issuer).protocol === 'http:';
}

function texts(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : undefined;
}
