import type { Json } from '@tallystick/core';

/** Values that are secrets wherever they stand: JWTs, private keys in PEM, tokens with their makers' prefixes. */
const SECRET =
  /eyJ[\w-]{10,}\.[\w-]{4,}\.|-----BEGIN [A-Z ]*PRIVATE KEY|\b(?:hv[sbr]\.[\w-]{20}|gh[pousr]_[A-Za-z0-9]{20}|github_pat_\w{20}|xox[abeprs]-[\w-]{10}|sk-[\w-]{20})/;

/**
 * What random bytes make of themselves, and what anyone may choose as such: a digest, and the id of a token or proof.
 * One in some 100,000 looks like the beginning of a token for which its maker chose letters that base64url has too.
 */
const DIGEST = /^(?:[\w-]{42}[AEIMQUYcgkosw048]|[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)$/;
const TOKEN_ID = 'jti';

/**
 * True for a text that holds what looks like a secret. A record of it is refused, so whoever records what a person
 * typed asks first.
 */
export function holdsSecret(text: string): boolean {
  return SECRET.test(text);
}

/** True when a string anywhere in `value`, or a member's name, holds what looks like a secret, and is no digest or `jti`. */
export function hasSecretMember(value: Json): boolean {
  if (typeof value === 'string') return !DIGEST.test(value) && holdsSecret(value);
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some((item: Json) => hasSecretMember(item));
  return Object.entries(value).some(
    ([name, member]) => holdsSecret(name) || (name !== TOKEN_ID && member !== undefined && hasSecretMember(member)),
  );
}
