/**
 * Returns the number of an ASCII decimal without leading zeros, or undefined where the text is none or is beyond
 * 2^53 - 1, where JavaScript would round it.
 */
export function parseDecimal(text: string): number | undefined {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** True for what a size or an index of a tree can be: an integer from 0 to 2^53 - 1. */
export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
