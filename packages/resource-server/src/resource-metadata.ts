import { PROOF_ALGORITHMS } from '@tallystick/dpop';
import type { PublicOrigin } from './public-origin.ts';
import type { IncomingRequest, NodeRequest } from './request-facts.ts';

/** The metadata of a protected resource (RFC 9728 §2). */
export interface ResourceMetadata {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly bearer_methods_supported: readonly ['header'];
  readonly dpop_signing_alg_values_supported: readonly string[];
  readonly dpop_bound_access_tokens_required: boolean;
  /** True where tokens that are bound to a certificate are accepted (RFC 8705 §3.3). */
  readonly tls_client_certificate_bound_access_tokens?: true;
  readonly scopes_supported?: readonly string[];
}

/** What the metadata is made of. */
export interface ResourceFacts {
  readonly issuers: readonly string[];
  readonly audiences: readonly string[];
  readonly scopes: readonly string[] | undefined;
  readonly acceptsBearer: boolean;
  readonly acceptsCertificates: boolean;
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** Returns where clients find the metadata of `origin` (RFC 9728 §3.1): the well-known path stands before its own. */
export function metadataUrl({ origin, path }: PublicOrigin): string {
  return `${origin}${WELL_KNOWN}${path}`;
}

/** False for most requests, at no cost. */
export function mayAskForMetadata(request: IncomingRequest): boolean {
  const { method, url, originalUrl = url } = request as NodeRequest;
  return method === 'GET' && originalUrl !== undefined && originalUrl.includes(WELL_KNOWN);
}

/** True when `path`, as it reached this API, is one at which the metadata of `origin` is asked for. */
export function isMetadataPath({ path }: PublicOrigin, requested: string): boolean {
  return requested === WELL_KNOWN + path || requested === WELL_KNOWN;
}

/**
 * Returns the metadata of the resource that clients reach at `origin`. Its `resource` is that URL, in the spelling of
 * the audience where both are the same.
 */
export function resourceMetadata(origin: PublicOrigin, facts: ResourceFacts): ResourceMetadata {
  const { base } = origin;
  return {
    resource: facts.audiences.find((audience) => audience === base || audience === `${base}/`) ?? base,
    authorization_servers: facts.issuers.filter((issuer) => issuer.startsWith('https://')),
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
    dpop_bound_access_tokens_required: !facts.acceptsBearer,
    ...(facts.acceptsCertificates && { tls_client_certificate_bound_access_tokens: true }),
    ...(facts.scopes && { scopes_supported: facts.scopes }),
  };
}
