import { JWT_TYPE, TallystickError } from '@tallystick/core';
import { readSecretFile } from '../../config/secret-file.ts';
import type { OauthSettings, OauthWanted } from '../oauth.ts';
import type { MintOrder, ProviderContext } from '../provider.ts';

/** What a request to the token endpoint carries so that the server knows its client. */
export interface ClientAuthentication {
  readonly headers: Readonly<Record<string, string>>;
  readonly parameters: Readonly<Record<string, string>>;
}

/** How long an assertion may be used: it is made for one request. */
export const ASSERTION_SECONDS = 60;

/**
 * Returns what proves which client asks.
 *
 * @throws {TallystickError} `signer_unavailable`, and what {@link secretOf} throws.
 */
export async function authenticateClient(
  order: Pick<MintOrder<OauthWanted>, 'wanted' | 'identity' | 'leaseId' | 'signal'>,
  { issuer, client }: OauthSettings,
  context: Pick<ProviderContext, 'name' | 'clock' | 'ownSecrets' | 'sign'>,
): Promise<ClientAuthentication> {
  const id = order.wanted.client ?? client.id;
  switch (client.authentication) {
    case 'private_key_jwt': {
      const assertion = await context.sign('client', { iss: id, sub: id, ...claimsFor(order, issuer, context) }, TYPED);
      return { headers: {}, parameters: { client_id: id!, ...assertionOf('jwt-bearer', assertion) } };
    }
    case 'spiffe_jwt': {
      // A JWT-SVID: its subject is the workload itself, and who verifies it has the keys of our trust domain.
      const svid = await context.sign('federation', { sub: order.identity.id, ...claimsFor(order, issuer, context) });
      return {
        headers: {},
        parameters: { ...(id !== undefined && { client_id: id }), ...assertionOf('jwt-spiffe', svid) },
      };
    }
    case 'client_secret_basic': {
      const pair = `${formEncoded(id!)}:${formEncoded(await secretOf(client, context, order.signal))}`;
      return { headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }, parameters: {} };
    }
    case 'client_secret_post': {
      const secret = await secretOf(client, context, order.signal);
      return { headers: {}, parameters: { client_id: id!, client_secret: secret } };
    }
  }
}

const TYPED = { typ: JWT_TYPE.clientAssertion } as const;

/** RFC 10070 §3: the issuer alone is its audience, so that no other server can use it. */
function claimsFor(
  { leaseId }: { leaseId: string },
  issuer: string,
  { clock }: Pick<ProviderContext, 'clock'>,
): Readonly<Record<string, unknown>> {
  const now = Math.floor(clock.nowMs() / 1000);
  // One request is made under a lease id: the server's own log has it.
  return { aud: issuer, jti: `${leaseId}-client`, iat: now, exp: now + ASSERTION_SECONDS };
}

function assertionOf(type: 'jwt-bearer' | 'jwt-spiffe', assertion: string): Readonly<Record<string, string>> {
  return {
    client_assertion_type: `urn:ietf:params:oauth:client-assertion-type:${type}`,
    client_assertion: assertion,
  };
}

/**
 * Returns the client secret, from where the configuration says.
 *
 * @throws {TallystickError} `upstream_login_refused`: the file of the secret cannot be used. What {@link OwnSecrets.read}
 * throws.
 */
export async function secretOf(
  { secret, secretFile }: OauthSettings['client'],
  { name, ownSecrets }: Pick<ProviderContext, 'name' | 'ownSecrets'>,
  signal: AbortSignal,
): Promise<string> {
  if (secret) return ownSecrets.read(secret.credential, secret.value, signal);
  const file = await readSecretFile(secretFile!);
  if (file.ok) return file.secret;
  throw new TallystickError('upstream_login_refused', `"secretFile" of "${name}" ${file.message}`, {
    remedy: file.remedy,
  });
}

/** RFC 6749 §2.3.1 */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
