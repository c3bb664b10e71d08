/** Values that are secrets wherever they stand: JWTs, private keys in PEM, tokens with their makers' prefixes. */
const SECRET =
  /eyJ[\w-]{10,}\.[\w-]{4,}\.|-----BEGIN [A-Z ]*PRIVATE KEY|\b(?:hv[sbr]\.[\w-]{20}|gh[pousr]_[A-Za-z0-9]{20}|github_pat_\w{20}|xox[abeprs]-[\w-]{10}|sk-[\w-]{20})/;

/**
 * True for a text that holds what looks like a secret. A record of it is refused, so whoever records what a person
 * typed asks first.
 */
export function holdsSecret(text: string): boolean {
  return SECRET.test(text);
}
