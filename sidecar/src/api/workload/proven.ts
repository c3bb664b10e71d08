import { bodyHash } from '@tallystick/dpop';
import { HEADERS, htuOfRoute } from '@tallystick/protocol';
import { TallystickError } from '@tallystick/core';
import type { Admission, Admitted } from '../../release/admit.ts';
import type { Exchange } from './route.ts';

/**
 * Admits a request on `/v1/*`: attests its sender and checks its proof, which must bind `body` when there is one.
 *
 * @throws {TallystickError} As {@link Admission.admit}.
 */
export async function admitProven(
  admission: Admission,
  issuer: string,
  { request, peer, path, span }: Exchange,
  body?: Buffer,
): Promise<Admitted> {
  const named = request.headersDistinct[HEADERS.identity];
  if (named && named.length > 1)
    throw new TallystickError('invalid_request', 'Tallystick-Identity is given more than once');
  return admission.admit({
    peer,
    named: named?.[0],
    proofHeader: request.headersDistinct.dpop,
    target: { method: request.method ?? '', url: htuOfRoute(issuer, path), bth: body && bodyHash(body) },
    onIdentified: (sender) => span.identify(sender),
  });
}
