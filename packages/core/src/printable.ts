/** The longest string that a workload may claim of itself: process id, run, ticket, client label. */
export const MAX_CLAIM_LENGTH = 128;

/** True when `text` may be recorded as a claim: 1 to 128 printable ASCII characters. */
export function isClaimText(text: unknown): text is string {
  return typeof text === 'string' && text.length > 0 && text.length <= MAX_CLAIM_LENGTH && /^[\x20-\x7e]+$/.test(text);
}

/** Returns `text` cut to `max` characters, everything but printable ASCII replaced by `?`: fit for a log or an error. */
export function printable(text: string, max = 120): string {
  return text.slice(0, max).replace(/[^\x20-\x7e]/g, '?');
}
