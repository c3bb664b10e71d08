import { JWT_TYPE, TallystickError, type Clock } from '@tallystick/core';
import { bodyHash, thumbprint } from '@tallystick/dpop';
import {
  formatReplyClaims,
  formatSealedReply,
  HEADERS,
  htuOfRoute,
  parseCredentialRequest,
  ROUTES,
  seal,
  type CredentialRequest,
} from '@tallystick/protocol';
import type { Signer } from '../../issuer/signer.ts';
import { Denial } from '../../release/denial.ts';
import { release, type Prepared, type ReleaseParts } from '../../release/release.ts';
import type { CredentialAsk } from '../../release/request.ts';
import { json } from '../answer.ts';
import { JSON_TYPE, readText } from '../body.ts';
import type { WorkloadRoute } from './route.ts';

/** What the credential route is made of. */
export interface CredentialRouteParts extends ReleaseParts {
  readonly issuer: string;
  /** Signs answers, under their own role. */
  readonly replySigner: Signer;
  readonly clock: Clock;
}

/** `POST /v1/credentials/{name}`: a credential of an upstream, sealed to a one-time key of the one who asks. */
export function credentialRoute(parts: CredentialRouteParts): WorkloadRoute {
  return {
    method: 'POST',
    path: ROUTES.credentials,
    async handle({ request: message, response, peer, path, rest, trace, span }) {
      if (!NAME.test(rest)) throw new TallystickError('credential_unknown', 'no credential has a name of that form');
      const body = await readText(message, JSON_TYPE);
      const request = parseCredentialRequest(body);
      const bth = bodyHash(body);
      const named = message.headersDistinct[HEADERS.identity];
      if (named && named.length > 1) {
        throw new TallystickError('invalid_request', 'Tallystick-Identity is given more than once');
      }
      try {
        const released = await release(
          {
            peer,
            named: named?.[0],
            proofHeader: message.headersDistinct.dpop,
            target: { method: 'POST', url: htuOfRoute(parts.issuer, path), bth },
            request: askOf(rest, request),
            trace,
            onIdentified: (sender) => span.identify(sender, request.context),
            prepare: (ready) => sealTo(request, ready, bth, parts),
          },
          parts,
        );
        const { asked, lease, source, record } = released;
        span.decided({ decision: 'allow', lease, record, source });
        if (response.destroyed) parts.records.undelivered(asked, lease, record, 'client_gone');
        return json(formatSealedReply(released.answer));
      } catch (error) {
        if (error instanceof Denial) span.decided({ decision: 'deny', denial: error });
        throw error;
      }
    },
  };
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

function askOf(name: string, request: CredentialRequest): CredentialAsk {
  const { type, context, logHead, csr, publicKey, upstreamProof } = request;
  return {
    name,
    type,
    clientId: undefined,
    resource: undefined,
    scope: undefined,
    context,
    logHead,
    applicant: { csr: csr === undefined ? undefined : Buffer.from(csr, 'base64'), publicKey },
    upstreamProof,
  };
}

async function sealTo(
  { sealTo: key }: CredentialRequest,
  { asked, lease, recordId }: Prepared,
  bth: string,
  parts: CredentialRouteParts,
): Promise<string> {
  const { name, type } = lease.key.credential;
  const claims = formatReplyClaims({
    issuer: parts.issuer,
    identity: asked.identity.id,
    jkt: asked.proof.jkt,
    sealedTo: thumbprint(key),
    request: asked.proof.jti,
    bth,
    name,
    type,
    binding: lease.binding,
    leaseId: lease.id,
    issuedAt: new Date(parts.clock.nowMs()),
    rotateAt: new Date(lease.rotateAtMs),
    expiresAt: new Date(lease.expiresAtMs),
    recordId,
    logHead: parts.heads.newest(),
    material: lease.material,
  });
  return seal(await parts.replySigner.sign(JWT_TYPE.credential, claims), key);
}
