import type { Material } from '@tallystick/protocol';

/**
 * Returns the text of a material whose leak would matter: what the record's fingerprint is of, so that one that is
 * found somewhere leads to its release. Of several values, all of them as JSON, in the order of their names.
 */
export function secretOf(material: Material): string {
  if ('token' in material) return material.token;
  if ('password' in material) return material.password;
  if ('secretAccessKey' in material) return material.secretAccessKey;
  if ('certificate' in material) return material.certificate;
  const [only, ...others] = Object.values(material.values);
  if (only !== undefined && others.length === 0) return only;
  return JSON.stringify(Object.fromEntries(Object.entries(material.values).toSorted(([a], [b]) => (a < b ? -1 : 1))));
}
