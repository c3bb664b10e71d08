import { TallystickError } from '@tallystick/core';

/** How the text of a secret is handed out: as one value, or as the members of an object in JSON. */
export type SecretFormat = 'text' | 'json';

/**
 * Returns the values that the text of a secret stands for; a member that is not text (a port) as its JSON.
 *
 * @throws {TallystickError} `upstream_answer_invalid`: it is no JSON object.
 */
export function secretValues(name: string, text: string, format: SecretFormat): Readonly<Record<string, string>> {
  if (format === 'text') return { value: text };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Said below, without what stands in it.
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TallystickError('upstream_answer_invalid', `"${name}" has a secret that is no JSON object`, {
      remedy: 'write "format: text" for this credential, or correct the secret',
    });
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, typeof member === 'string' ? member : JSON.stringify(member)]),
  );
}
