import { TallystickError, type IdentityObject } from '@tallystick/core';
import type { Admission } from '../../release/admit.ts';
import type { Exchange } from './route.ts';

/**
 * Attests the sender of a request that needs no proof, and returns the identities it has.
 *
 * @throws {TallystickError} `identity_unknown`, `peer_gone`
 */
export async function attestSender(admission: Admission, { peer, span }: Exchange): Promise<readonly IdentityObject[]> {
  const { attestation, matching } = await admission.attest(peer);
  const [identity, another] = matching;
  if (!identity) throw new TallystickError('identity_unknown', 'no identity matches this workload');
  if (!another) span.identify({ identity, attestation });
  return matching;
}
