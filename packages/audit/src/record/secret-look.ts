/** Names under which secrets travel. Whole names: `credential` is a name in the configuration here, `token` never is. */
const NAME =
  /^(?:.*[_-])?(?:secret|password|passwd|passphrase|authorization|cookie|assertion|access[_-]?token|refresh[_-]?token|id[_-]?token|token|private[_-]?key|api[_-]?key|client[_-]?secret|secret[_-]?(?:access[_-]?)?key|session[_-]?token|pin|otp|jwk)$/i;

/** Values that are secrets wherever they stand: JWTs, PEM private keys, tokens with their makers' prefixes. */
const VALUE =
  /eyJ[\w-]{10,}\.[\w-]{4,}\.|-----BEGIN [A-Z ]*PRIVATE KEY|\b(?:hv[sbr]\.[\w-]{20}|gh[pousr]_[A-Za-z0-9]{20}|github_pat_\w{20}|xox[abeprs]-[\w-]{10}|sk-[\w-]{20})/;

/** True for a member name under which a secret would travel. */
export function isSecretName(name: string): boolean {
  return NAME.test(name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2'));
}

/** True for a text that holds what looks like a secret; a writer of free text asks before it records it. */
export function holdsSecret(text: string): boolean {
  return text.length >= 20 && VALUE.test(text);
}

/** Returns where in a JSON value something looks like a secret, or undefined. Does not quote it. */
export function findSecret(value: unknown, at: string): string | undefined {
  if (typeof value === 'string') return holdsSecret(value) ? at : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const found = findSecret(value[i], `${at}[${i}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  for (const [name, member] of Object.entries(value as Record<string, unknown>)) {
    // A count under the name `invalid_token` is none.
    if (isSecretName(name) && (typeof member === 'string' || (typeof member === 'object' && member !== null))) {
      return `${at}.${name}`;
    }
    const found = findSecret(member, `${at}.${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
