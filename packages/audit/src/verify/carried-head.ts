import type { Checkpoint } from '../tlog/checkpoint.ts';
import { isCount } from '../tlog/decimal.ts';
import { decodeHash } from '../tlog/strict-base64.ts';

/**
 * Returns the head that the first record of a log carries of the log before it: null where it says that there was none,
 * undefined where it is no first record.
 */
export function carriedHead(record: Uint8Array): Checkpoint | null | undefined {
  const { type, body } = objectOf(parse(record));
  if (type !== 'log.genesis' && type !== 'log.shard_opened') return undefined;
  const { previous } = objectOf(body);
  if (previous === null && type === 'log.genesis') return null;
  const { origin, size, root } = objectOf(previous);
  const hash = typeof root === 'string' ? decodeHash(root) : undefined;
  if (typeof origin !== 'string' || typeof size !== 'number' || !isCount(size) || !hash) return undefined;
  return { origin, size, root: hash };
}

/** Returns the origin that the last record of a closed log says follows it; undefined where it says no such thing. */
export function nextOrigin(record: Uint8Array): string | undefined {
  const { type, body } = objectOf(parse(record));
  const { next } = objectOf(body);
  return type === 'log.shard_closed' && typeof next === 'string' ? next : undefined;
}

function parse(record: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(record).toString('utf8'));
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
