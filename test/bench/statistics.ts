/** Returns the value below which `share` (0 to 1) of `values` lie. Throws for none. */
export function percentile(values: Iterable<number>, share: number): number {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) throw new RangeError('there are no values');
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

/** Returns the middle value. Throws for none. */
export function median(values: Iterable<number>): number {
  return percentile(values, 0.5);
}

/** Returns the middle of `a[i] / b[i]`: pairs taken side by side share what the machine did to both. */
export function medianRatio(a: readonly number[], b: readonly number[]): number {
  return median(a.map((value, i) => value / b[i]!));
}

/** Returns the middle of `a[i] - b[i]`. */
export function medianDifference(a: readonly number[], b: readonly number[]): number {
  return median(a.map((value, i) => value - b[i]!));
}
