import { TallystickError } from '@tallystick/core';
import type { OauthClient, OauthSettings, OauthWanted } from '../oauth.ts';
import type { CheckFinding, ProviderContext } from '../provider.ts';
import { secretOf } from './client-authentication.ts';
import { GRANT_TYPE } from './grant.ts';
import type { ServerMetadata } from './server-metadata.ts';

/** Says what the metadata of a server lacks for a credential. Pure. */
export function checkServer(
  wanted: OauthWanted,
  { client }: OauthSettings,
  { grants, proofAlgorithms, authenticationMethods }: ServerMetadata,
): readonly CheckFinding[] {
  const grant = GRANT_TYPE[wanted.grant];
  return [
    proofAlgorithms === undefined || proofAlgorithms.includes('ES256')
      ? finding('proofs', proofAlgorithms ? 'it takes DPoP proofs by ES256' : 'its metadata does not mention DPoP')
      : finding('proofs', 'it takes no DPoP proofs by ES256', 'add ES256 to its DPoP algorithms'),
    !grants || grants.includes(grant)
      ? finding('grant', grants ? `it has ${grant}` : 'its metadata does not list its grants')
      : finding('grant', `its metadata does not list ${grant}`, 'turn the grant on, upstream'),
    checkClient(client.authentication, authenticationMethods),
  ];
}

function checkClient(
  method: OauthClient['authentication'],
  listed: ServerMetadata['authenticationMethods'],
): CheckFinding {
  if (!listed || listed.includes(method)) return finding('client', `it may authenticate by ${method}`);
  const missing = `its metadata does not list ${method}`;
  // A method of an Internet-Draft: Keycloak takes it, and does not list it.
  if (method === 'spiffe_jwt') return finding('client', `${missing}, which a server may take all the same`);
  return finding('client', missing, `turn ${method} on, upstream, or correct "client.authentication"`);
}

/** Says whether the client secret is to be had, where there is one. */
export async function checkSecret(
  { client }: Pick<OauthSettings, 'client'>,
  context: Pick<ProviderContext, 'name' | 'ownSecrets'>,
  signal: AbortSignal,
): Promise<readonly CheckFinding[]> {
  if (!client.secret && client.secretFile === undefined) return [];
  try {
    await secretOf(client, context, signal);
    return [finding('client secret', 'it can be read')];
  } catch (error) {
    if (!TallystickError.is(error)) throw error;
    return [finding('client secret', error.description, error.remedy)];
  }
}

/** Says why the metadata of a server could not be read. */
export function unreachable(error: unknown): readonly CheckFinding[] {
  if (!TallystickError.is(error)) throw error;
  return [finding('metadata', error.description, error.remedy)];
}

function finding(what: string, message: string, remedy?: string): CheckFinding {
  return { ok: remedy === undefined, what, message, remedy };
}
