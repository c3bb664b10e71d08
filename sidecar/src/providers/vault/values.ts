import { TallystickError } from '@tallystick/core';
import type { VaultMembers } from './vault-client.ts';

/**
 * Returns the fields of a secret that are wanted: all where none is named. What is not text is handed out as its JSON.
 *
 * @throws {TallystickError} `upstream_not_found`: it lacks one.
 */
export function valuesOf(
  data: VaultMembers,
  fields: readonly string[],
  name: string,
  path: string,
): Readonly<Record<string, string>> {
  const names = fields.length > 0 ? fields : Object.keys(data);
  return Object.fromEntries(
    names.map((field) => {
      if (!Object.hasOwn(data, field)) {
        throw new TallystickError('upstream_not_found', `"${name}" has no field "${field}" at ${path}`);
      }
      const value = data[field];
      return [field, typeof value === 'string' ? value : JSON.stringify(value)];
    }),
  );
}
