/** A difference between two clocks below which a refused proof is not explained by it. */
export const NOTABLE_SKEW_MS = 5000;

/**
 * Returns by how much a server's clock is ahead of ours, in milliseconds, when its `Date` header shows that the
 * offset used until now is wrong by more than 5 s; else undefined.
 */
export function correctedOffsetMs(
  dateHeader: string | null | undefined,
  nowMs: number,
  offsetMs: number,
): number | undefined {
  const serverMs = Date.parse(dateHeader ?? '');
  if (Number.isNaN(serverMs)) return undefined;
  const seen = serverMs - nowMs;
  return Math.abs(seen - offsetMs) > NOTABLE_SKEW_MS ? seen : undefined;
}
