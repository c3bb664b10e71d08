import { hash } from 'node:crypto';

/** The most bytes of a record, below what a bundle could hold: 65,535. */
export const MAX_RECORD_BYTES = 60_000;

/** What the records of a bundle hash to. */
export interface DerivedBundle {
  /** The leaf hashes, 32 bytes each, as the tile of level 0 has them; zeros from the first that could not be derived. */
  readonly row: Buffer;
  /** Why the bundle is none: there are too few records, bytes after the last, or one is cut off. */
  readonly fault?: string;
  /** Positions of records of a size that a log does not take. */
  readonly wrongSizes: readonly number[];
}

/**
 * Returns the leaf hashes of a bundle, over the bytes as they are stored (RFC 6962 §2.1; tlog-tiles, Log entries).
 *
 * @param bundle Unchanged when this returns, but not during the call.
 * @param width How many records the bundle's path promises.
 * @param wider True where the bundle may go on: it is the full one that has replaced a partial one.
 */
export function deriveBundle(bundle: Uint8Array, width: number, wider = false): DerivedBundle {
  const row = Buffer.alloc(width * 32);
  const wrongSizes: number[] = [];
  let at = 0;
  for (let i = 0; i < width; i += 1) {
    if (at + 2 > bundle.length) return { row, wrongSizes, fault: `it has ${i} records, not ${width}` };
    const low = bundle[at + 1]!;
    const length = bundle[at]! * 256 + low;
    const end = at + 2 + length;
    if (end > bundle.length) return { row, wrongSizes, fault: `its record ${i} is cut off` };
    if (length === 0 || length > MAX_RECORD_BYTES) wrongSizes.push(i);
    // A leaf is hashed behind a zero byte, which takes the place of the byte before it: nothing is copied.
    bundle[at + 1] = 0;
    row.write(hash('sha256', bundle.subarray(at + 1, end), 'binary'), i * 32, 'binary');
    bundle[at + 1] = low;
    at = end;
  }
  if (at !== bundle.length && !wider) return { row, wrongSizes, fault: 'bytes follow its last record' };
  return { row, wrongSizes };
}

/** Calls `each` with the records of a bundle, as views of its bytes, up to the first that cannot be read. */
export function eachRecord(bundle: Uint8Array, width: number, each: (i: number, record: Uint8Array) => void): void {
  let at = 0;
  for (let i = 0; i < width && at + 2 <= bundle.length; i += 1) {
    const end = at + 2 + bundle[at]! * 256 + bundle[at + 1]!;
    if (end > bundle.length) return;
    each(i, bundle.subarray(at + 2, end));
    at = end;
  }
}
