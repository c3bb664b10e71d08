import { TILE_WIDTH } from './tile.ts';
import { TlogError } from './tlog-error.ts';

/** The most bytes that an entry can have in a bundle, whose lengths are uint16 (tlog-tiles, Log entries). */
export const MAX_ENTRY_BYTES = 65_535;

/**
 * Returns the bundle of 1 to 256 entries: each behind its length in two bytes, big-endian (tlog-tiles, Log entries).
 *
 * @throws {TlogError} `bundle`: too many entries, none, or one too long.
 */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Buffer {
  if (entries.length < 1 || entries.length > TILE_WIDTH) {
    throw new TlogError('bundle', `a bundle has 1 to ${TILE_WIDTH} entries, not ${entries.length}`);
  }
  const bundle = Buffer.alloc(entries.reduce((bytes, entry) => bytes + 2 + entry.length, 0));
  let at = 0;
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES) {
      throw new TlogError('bundle', `an entry has at most ${MAX_ENTRY_BYTES} bytes, not ${entry.length}`);
    }
    bundle.writeUInt16BE(entry.length, at);
    bundle.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bundle;
}

/**
 * Returns the entries of a bundle, as views of its bytes.
 *
 * @param width The number of entries that the bundle's path promises: 256 without a suffix.
 * @throws {TlogError} `bundle`: it has more or fewer, or its last one is cut off.
 */
export function decodeEntryBundle(bundle: Uint8Array, width: number): Uint8Array[] {
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bundle.length) {
    if (entries.length === width)
      throw new TlogError('bundle', `bytes follow the last of ${width} entries of a bundle`);
    if (at + 2 > bundle.length)
      throw new TlogError('bundle', `the length of entry ${entries.length} of a bundle is cut off`);
    const from = at + 2;
    at = from + bundle[at]! * 256 + bundle[at + 1]!;
    if (at > bundle.length) throw new TlogError('bundle', `entry ${entries.length} of a bundle is cut off`);
    entries.push(bundle.subarray(from, at));
  }
  if (entries.length !== width) {
    throw new TlogError('bundle', `a bundle has ${entries.length} entries, not ${width}`);
  }
  return entries;
}
