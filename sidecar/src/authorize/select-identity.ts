import { printable, TallystickError, type IdentityObject } from '@tallystick/core';

/**
 * Returns the identity that a request acts as: the one it names out of those its workload has, or the only one.
 *
 * @param named A SPIFFE ID, or undefined.
 * @throws {TallystickError} `identity_unknown`, `identity_mismatch`, `identity_ambiguous`
 */
export function selectIdentity(matching: readonly IdentityObject[], named: string | undefined): IdentityObject {
  if (matching.length === 0) {
    throw new TallystickError('identity_unknown', 'no identity matches this workload');
  }
  if (named !== undefined) {
    const found = matching.find((identity) => identity.id === named);
    if (!found) throw new TallystickError('identity_mismatch', `this workload is not ${printable(named, 300)}`);
    return found;
  }
  if (matching.length > 1) {
    throw new TallystickError('identity_ambiguous', 'several identities match this workload', {
      remedy: `name one of ${matching.map(({ id }) => id).join(', ')}: the Tallystick-Identity header, client_id on /token, or connect({ identity })`,
    });
  }
  return matching[0]!;
}
