/** When a credential was issued and when it ends, in milliseconds since the epoch. */
export interface Lifetime {
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/**
 * Returns the instant at which a replaceable credential should be rotated: half of its lifetime, moved by
 * `jitter` x 10 % of that half so that a fleet started together does not rotate together, and no later than
 * `floorMs` before expiry, which is what its consumer needs left. A floor that takes up the whole lifetime yields: a
 * tenth of the lifetime always passes first, else each credential would be replaced the moment it is there.
 *
 * @param jitter Number in [-1, 1]; 0 is the exact midpoint. Callers inject randomness.
 * @param floorMs Milliseconds that must be left at rotation. Default 0.
 * @returns Milliseconds since the epoch: at or after issuance, before expiry.
 * @throws {RangeError} The lifetime is empty or endless, `jitter` is outside [-1, 1], or `floorMs` is negative.
 */
export function rotationInstant(lifetime: Lifetime, jitter: number, floorMs = 0): number {
  return instant(lifetime, 0.5, jitter, floorMs);
}

/**
 * Returns the instant at which a renewable lease should be renewed: two thirds of its lifetime, else as
 * {@link rotationInstant}.
 */
export function renewalInstant(lifetime: Lifetime, jitter: number, floorMs = 0): number {
  return instant(lifetime, 2 / 3, jitter, floorMs);
}

function instant({ issuedAtMs, expiresAtMs }: Lifetime, part: number, jitter: number, floorMs: number): number {
  const lengthMs = expiresAtMs - issuedAtMs;
  if (!(lengthMs > 0)) throw new RangeError('"expiresAtMs" must be after "issuedAtMs"');
  if (lengthMs === Infinity) throw new RangeError('a lifetime must have an end');
  if (!(jitter >= -1 && jitter <= 1)) throw new RangeError('"jitter" must be in [-1, 1]');
  if (!(floorMs >= 0)) throw new RangeError('"floorMs" must not be negative');
  const wanted = issuedAtMs + Math.floor(lengthMs * part * (1 + jitter / 10));
  const earliest = issuedAtMs + Math.floor(lengthMs / 10);
  return Math.max(earliest, Math.min(wanted, expiresAtMs - floorMs));
}

/** The longest wait before something that failed is tried again, milliseconds. */
export const MAX_BACKOFF_MS = 300_000;

/**
 * Returns the delay before attempt `attempt` (0 = the first retry): full jitter over 1 s x 2^attempt, at most
 * 5 min, and never zero: at least a tenth of a second.
 *
 * @param uniform Number in [0, 1). Callers inject randomness.
 * @throws {RangeError} `attempt` is not a number from 0, or `uniform` is outside [0, 1).
 */
export function backoffMs(attempt: number, uniform: number): number {
  if (!(attempt >= 0)) throw new RangeError('"attempt" must be a number from 0');
  if (!(uniform >= 0 && uniform < 1)) throw new RangeError('"uniform" must be in [0, 1)');
  const ceilingMs = Math.min(1000 * 2 ** Math.min(attempt, 20), MAX_BACKOFF_MS);
  return Math.max(100, Math.floor(ceilingMs * uniform));
}

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

// A hundred years: past it an expiry is no date that a Date can hold.
const LONGEST_MS = 36_525 * UNIT_MS.d;

/**
 * Returns the milliseconds of a duration such as `45s`, `15m`, `12h` or `7d`, or undefined when it is not one or
 * longer than a hundred years.
 */
export function parseDurationMs(text: string): number | undefined {
  const match = /^([1-9]\d{0,8})([smhd])$/.exec(text);
  if (!match) return undefined;
  const ms = Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
  return ms <= LONGEST_MS ? ms : undefined;
}

/** Returns the shortest exact form of a whole number of seconds: `900000` is `15m`. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds === 0) return '0s';
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
  ] as const) {
    if (seconds % size === 0) return `${seconds / size}${unit}`;
  }
  return `${seconds}s`;
}
