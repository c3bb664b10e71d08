import { formatTokenResponse, htuOfRoute, parseTokenRequest, ROUTES } from '@tallystick/protocol';
import type { Clock } from '@tallystick/core';
import type { Asked } from '../../record/credential-records.ts';
import { Denial } from '../../release/denial.ts';
import { release, type ReleaseParts } from '../../release/release.ts';
import { json } from '../answer.ts';
import { readBody } from '../body.ts';
import type { WorkloadRoute } from './route.ts';

/** `POST /token`: a token of our own issuer (RFC 6749 §4.4, RFC 9449 §5). */
export function tokenRoute(parts: ReleaseParts, issuer: string, clock: Pick<Clock, 'nowMs'>): WorkloadRoute {
  const url = htuOfRoute(issuer, ROUTES.token);
  return {
    method: 'POST',
    path: ROUTES.token,
    async handle({ request, peer, span }) {
      const body = await readBody(request, 'application/x-www-form-urlencoded');
      const ask = {
        peer,
        proofHeader: request.headersDistinct.dpop,
        target: { method: 'POST', url },
        request: parseTokenRequest(body.toString('utf8')),
        trace: span.trace,
        onAdmitted: (asked: Asked) => span.identify(asked.identity, asked.request.context),
      };
      try {
        const { lease, source, record } = await release(ask, parts);
        span.decided({ decision: 'allow', lease, record, source });
        return json(
          formatTokenResponse({
            accessToken: lease.token,
            expiresIn: Math.max(0, Math.floor((lease.expiresAtMs - clock.nowMs()) / 1000)),
            scope: lease.key.scope.join(' '),
            leaseId: lease.id,
            rotateAt: new Date(lease.rotateAtMs),
            recordId: record.id,
          }),
        );
      } catch (error) {
        if (error instanceof Denial) span.decided({ decision: 'deny', code: error.code, recordId: error.recordId });
        throw error;
      }
    },
  };
}
