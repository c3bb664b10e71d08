/**
 * Returns text that neither a spreadsheet nor a terminal executes: control and formatting characters become visible
 * escapes, and where the first character that is not white space begins a formula, an apostrophe stands before it.
 *
 * What was `=`, `+`, `-` or `@` at the beginning of a value stays readable; the leaf in the log has the value as it was.
 */
export function neutralText(text: string): string {
  // Cc: C0, DEL, C1; Cf: bidirectional overrides, zero-width characters; Zl, Zp: line ends for some readers.
  const visible = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escape);
  return FORMULA.test(visible) ? `'${visible}` : visible;
}

// With the full-width forms, which East Asian spreadsheets read as the plain ones.
const FORMULA = /^[\p{Z}]*[=+\-@\uff1d\uff0b\uff0d\uff20]/u;

function escape(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}
