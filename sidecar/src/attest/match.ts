import type { IdentityObject } from '@tallystick/core';
import type { Attestation } from './attestor.ts';

/** Returns the identities that an attestation's selectors match, sorted by id. */
export type Match = (attestation: Pick<Attestation, 'selectors'>) => readonly IdentityObject[];

/** One alternative of one identity. */
interface Alternative {
  readonly identity: IdentityObject;
  readonly selectors: readonly string[];
}

/**
 * Makes the function that finds identities. An identity matches by any of its alternatives, and an alternative by all
 * of its selectors, compared as they are; one without selectors matches nothing.
 *
 * Each alternative is filed under the selector that the fewest share, so that a look-up reads a handful of them
 * however many identities there are.
 */
export function createMatch(identities: readonly IdentityObject[]): Match {
  const alternatives = identities.flatMap((identity) =>
    identity.match.map((selectors): Alternative => ({ identity, selectors })),
  );
  const uses = new Map<string, number>();
  for (const { selectors } of alternatives) {
    for (const selector of selectors) uses.set(selector, (uses.get(selector) ?? 0) + 1);
  }
  const index = new Map<string, Alternative[]>();
  for (const alternative of alternatives) {
    const [rarest] = alternative.selectors.toSorted((a, b) => (uses.get(a) ?? 0) - (uses.get(b) ?? 0));
    if (rarest === undefined) continue;
    const filed = index.get(rarest);
    if (filed) filed.push(alternative);
    else index.set(rarest, [alternative]);
  }

  return (attestation) => {
    const held = new Set(attestation.selectors);
    const matched = new Set<IdentityObject>();
    for (const selector of held) {
      for (const { identity, selectors } of index.get(selector) ?? []) {
        if (selectors.every((each) => held.has(each))) matched.add(identity);
      }
    }
    return [...matched].sort((a, b) => (a.id < b.id ? -1 : 1));
  };
}
