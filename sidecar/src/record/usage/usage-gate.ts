import { TallystickError, type Clock } from '@tallystick/core';

/** Bounds what reports of use may write, so that no workload can fill the log with them. */
export interface UsageGate {
  /**
   * Counts a report that would be recorded.
   *
   * @param bytes Of its record, about.
   * @throws {TallystickError} `rate_limited`
   */
  take(report: { readonly holder: string; readonly identity: string; readonly bytes: number }): void;
}

/**
 * A holder may send so many reports at once, and then one every five seconds: all that the SDK can have gathered while the
 * sidecar was away, which it sends when it closes.
 */
const BURST = 40;
const EVERY_MS = 5000;
/** Bytes of all reports of one identity in a minute: those of some hundred processes that report every half minute. */
const BYTES_PER_MINUTE = 1024 * 1024;
/** Beyond, the one that was heard of longest ago is forgotten: who forges keys pays for each with a lease on record. */
const MAX_HOLDERS = 16_384;

export function createUsageGate({ clock }: { clock: Pick<Clock, 'monotonicMs'> }): UsageGate {
  // The instant at which a holder has its whole burst again: one number is its bucket.
  const fullAtMs = new Map<string, number>();
  const bytesOf = new Map<string, number>();
  let minute = 0;

  return {
    take({ holder, identity, bytes }) {
      const nowMs = clock.monotonicMs();
      const fullAt = Math.max(fullAtMs.get(holder) ?? nowMs, nowMs) + EVERY_MS;
      const waitMs = fullAt - nowMs - BURST * EVERY_MS;
      if (waitMs > 0) {
        throw new TallystickError('rate_limited', 'this key reports its use too often', { retryAfterMs: waitMs });
      }
      const current = Math.floor(nowMs / 60_000);
      if (current !== minute) bytesOf.clear();
      minute = current;
      const sum = (bytesOf.get(identity) ?? 0) + bytes;
      if (sum > BYTES_PER_MINUTE) {
        throw new TallystickError('rate_limited', `${identity} has reported all the use that it may in this minute`, {
          retryAfterMs: 60_000 - (nowMs % 60_000),
        });
      }
      bytesOf.set(identity, sum);
      fullAtMs.delete(holder);
      fullAtMs.set(holder, fullAt);
      if (fullAtMs.size > MAX_HOLDERS) fullAtMs.delete(fullAtMs.keys().next().value!);
    },
  };
}
