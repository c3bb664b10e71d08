import { printable, TallystickError, type IdentityObject } from '@tallystick/core';

/**
 * Returns the identity that a request acts as: the one it names out of those its workload has, or the only one.
 *
 * @param named A SPIFFE ID, or undefined.
 * @param selectors What is known of the workload. It is told of them where no identity matches, but of its executable,
 *   whose path may be long.
 * @throws {TallystickError} `identity_unknown`, `identity_mismatch`, `identity_ambiguous`
 */
export function selectIdentity(
  matching: readonly IdentityObject[],
  named: string | undefined,
  selectors: readonly string[],
): IdentityObject {
  if (matching.length === 0) {
    const told = selectors.filter((selector) => !selector.startsWith('unix:path:')).join(', ');
    throw new TallystickError('identity_unknown', `no identity matches this workload: ${printable(told, 300)}`);
  }
  const own = matching.map(({ id }) => id).join(', ');
  if (named !== undefined) {
    const found = matching.find((identity) => identity.id === named);
    if (!found) throw new TallystickError('identity_mismatch', `this workload is ${own}, not ${printable(named, 300)}`);
    return found;
  }
  if (matching.length > 1) {
    throw new TallystickError('identity_ambiguous', 'several identities match this workload', {
      remedy: `name one of ${own}: the Tallystick-Identity header, client_id on /token, or connect({ identity })`,
    });
  }
  return matching[0]!;
}
