import { printable } from '@tallystick/core';
import { PROOF_ALGORITHMS } from '@tallystick/dpop';
import type { Scheme } from './credentials.ts';

/** What a challenge says. */
export interface ChallengeFacts {
  /** The schemes to offer, the first of them first. */
  readonly schemes: readonly Scheme[];
  readonly error?: string | undefined;
  readonly description?: string | undefined;
  /** What a token must have that this one has not (RFC 6750 §3). */
  readonly scope?: readonly string[] | undefined;
  /** Where the metadata of this resource is (RFC 9728 §5.1). */
  readonly resourceMetadata?: string | undefined;
}

const ALGS = PROOF_ALGORITHMS.join(' ');

/** Returns the value of `WWW-Authenticate` (RFC 9110 §11.6.1, RFC 6750 §3, RFC 9449 §7.1). */
export function formatChallenge(facts: ChallengeFacts): string {
  return facts.schemes.map((scheme) => formatOne(scheme, facts)).join(', ');
}

function formatOne(scheme: Scheme, { error, description, scope, resourceMetadata }: ChallengeFacts): string {
  const parameters: string[] = [];
  const add = (name: string, value: string | undefined): void => {
    if (value !== undefined) parameters.push(`${name}="${quotable(value)}"`);
  };
  add('error', error);
  if (error !== undefined) add('error_description', description);
  add('scope', scope?.join(' '));
  if (scheme === 'DPoP') add('algs', ALGS);
  add('resource_metadata', resourceMetadata);
  return parameters.length === 0 ? scheme : `${scheme} ${parameters.join(', ')}`;
}

/** RFC 6750 §3 takes printable ASCII without `"` and `\`; the path of a request may be part of a description. */
function quotable(value: string): string {
  return printable(value, 400).replaceAll('"', "'").replaceAll('\\', '/');
}
