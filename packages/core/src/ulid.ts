import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * Returns a new ULID: 48 bits of milliseconds and 80 random bits in Crockford's base 32, 26 characters.
 *
 * Two made in the same millisecond have no order between them.
 *
 * @throws {RangeError} The clock is before 1970 or after 10889.
 * @see https://github.com/ulid/spec
 */
export function ulid(clock: Pick<Clock, 'nowMs'>, random: Pick<Random, 'bytes'>): string {
  let time = Math.floor(clock.nowMs());
  if (!(time >= 0 && time < 2 ** 48)) throw new RangeError('a ULID takes a time from 1970 to 10889');
  let head = '';
  for (let i = 0; i < 10; i++) {
    head = ALPHABET[time % 32] + head;
    time = Math.floor(time / 32);
  }
  const bytes = random.bytes(10);
  let tail = '';
  for (let i = 0; i < 10; i += 5) {
    const high = (bytes[i]! << 12) | (bytes[i + 1]! << 4) | (bytes[i + 2]! >> 4);
    const low = ((bytes[i + 2]! & 15) << 16) | (bytes[i + 3]! << 8) | bytes[i + 4]!;
    for (const part of [high, low]) for (let shift = 15; shift >= 0; shift -= 5) tail += ALPHABET[(part >> shift) & 31];
  }
  return head + tail;
}

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** True when `text` is a ULID in its canonical upper-case form. */
export function isUlid(text: string): boolean {
  return ULID.test(text);
}

/** Returns the milliseconds since the epoch in a ULID. What somebody else has made may name any. */
export function ulidTimeMs(text: string): number {
  let time = 0;
  for (const character of text.slice(0, 10)) time = time * 32 + ALPHABET.indexOf(character);
  return time;
}

/**
 * Returns a new lease id: `ls_` and a ULID. It is public, and stands in every record, span, token and upstream
 * request that follows from one release.
 */
export function leaseId(clock: Pick<Clock, 'nowMs'>, random: Pick<Random, 'bytes'>): string {
  return `ls_${ulid(clock, random)}`;
}

/** True when `text` is a lease id. */
export function isLeaseId(text: string): boolean {
  return text.startsWith('ls_') && isUlid(text.slice(3));
}
