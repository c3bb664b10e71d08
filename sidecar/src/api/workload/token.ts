import { formatTokenResponse, htuOfRoute, parseTokenRequest, ROUTES } from '@tallystick/protocol';
import type { Clock } from '@tallystick/core';
import { secretOf } from '../../lease/secret-of.ts';
import { Denial } from '../../release/denial.ts';
import { release, type Ask, type ReleaseParts } from '../../release/release.ts';
import { json } from '../answer.ts';
import { FORM, readText } from '../body.ts';
import type { WorkloadRoute } from './route.ts';

/** `POST /token`: a token of our own issuer (RFC 6749 §4.4, RFC 9449 §5), or one for a certificate (RFC 8705 §3). */
export function tokenRoute(parts: ReleaseParts, issuer: string, clock: Pick<Clock, 'nowMs'>): WorkloadRoute {
  const url = htuOfRoute(issuer, ROUTES.token);
  return {
    method: 'POST',
    path: ROUTES.token,
    async handle({ request: message, response, peer, trace, span }) {
      const request = parseTokenRequest(await readText(message, FORM));
      const ask: Ask = {
        peer,
        named: request.clientId?.startsWith('spiffe://') ? request.clientId : undefined,
        proofHeader: message.headersDistinct.dpop,
        target: { method: 'POST', url },
        request,
        trace,
        onIdentified: (sender) => span.identify(sender, request.context),
      };
      try {
        const { asked, lease, source, record } = await release(ask, parts);
        span.decided({ decision: 'allow', lease, record, source });
        if (response.destroyed) parts.records.undelivered(asked, lease, record, 'client_gone');
        return json(
          formatTokenResponse({
            accessToken: secretOf(lease.material),
            tokenType: lease.binding === 'mtls' ? 'Bearer' : 'DPoP',
            expiresIn: Math.max(0, Math.floor((lease.expiresAtMs - clock.nowMs()) / 1000)),
            scope: lease.key.scope.join(' '),
            leaseId: lease.id,
            rotateAt: new Date(lease.rotateAtMs),
            recordId: record.id,
            logHead: parts.heads.newest(),
          }),
        );
      } catch (error) {
        if (error instanceof Denial) span.decided({ decision: 'deny', denial: error });
        throw error;
      }
    },
  };
}
