import { canonicalJson, type Json } from './jcs.ts';
import { leafHash, merkleRoot } from './merkle.ts';
import type { IdentityObject } from './identity.ts';

/** The digest of a whole registry and of each identity in it. Base64url. */
export interface RegistryDigest {
  /** RFC 6962 root over all identity objects, sorted by id. */
  readonly root: string;
  /** RFC 6962 leaf hash of each identity's own object, by id. */
  readonly entries: ReadonlyMap<string, string>;
}

/**
 * Returns the digest of the registry: the RFC 6962 tree whose leaves are the canonical JSON (RFC 8785) of the
 * identity objects, sorted by id in code-unit order. Every machine that holds the same registry computes the same.
 *
 * Every member counts, also one that {@link IdentityObject} does not name.
 *
 * @throws {TypeError} Two identities have one id, or an identity has a member that JSON cannot carry.
 */
export function registryDigest(identities: readonly IdentityObject[]): RegistryDigest {
  const entries = new Map<string, string>();
  const sorted = [...identities].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const hashes = sorted.map((identity) => {
    if (entries.has(identity.id)) throw new TypeError(`"${identity.id}" is in the registry twice`);
    const hash = leafHash(Buffer.from(canonicalJson(identity as unknown as Json)));
    entries.set(identity.id, hash.toString('base64url'));
    return hash;
  });
  return { root: merkleRoot(hashes).toString('base64url'), entries };
}
