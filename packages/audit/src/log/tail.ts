import { TILE_WIDTH, type Tile } from '../tlog/tile.ts';

/** Leaves of a log by their index. */
export interface Leaves {
  record(seq: number): Uint8Array;
  leafHash(seq: number): Uint8Array;
}

/** What the tiles of a growing log are made from. */
export interface TileLeaves {
  /** Returns an entry bundle, in the form of its file (tlog-tiles, Log entries). */
  entryBundle(tile: Tile): Uint8Array;
  /** Returns a tile of the lowest level. */
  lowestTile(tile: Tile): Uint8Array;
}

/** Memory for the entries of the first bundle. Each later one begins with as much as the one before it needed. */
const FIRST_BYTES = 64 * 1024;
/** Memory that does not suffice grows by this part of it: sizes of neighbours are much alike. */
const GROWTH = 1 / 8;
const HASH_BYTES = 32;
/** What stands before an entry of a bundle: its length. */
const LENGTH_BYTES = 2;

/**
 * The records at the end of a log that are not in full, published bundles yet: what the next tiles are made from, and
 * what readers of the newest records get. They are copied into one piece of memory a bundle, as its file will have
 * them: they live for a second or longer, and as objects of their own would be moved about by the garbage collector.
 */
export class Tail implements Leaves, TileLeaves {
  #firstSeq: number;
  #nextSeq: number;
  #bytes = 0;
  #bundles: Bundle[] = [];
  /** Memory of the bundles that were dropped last: under load as many are needed again at once. */
  #spare: Bundle[] = [];

  /** @param firstSeq Of the first record to come; where a bundle begins. */
  constructor(firstSeq: number) {
    if (firstSeq % TILE_WIDTH !== 0) throw new RangeError(`no bundle begins with record ${firstSeq}`);
    this.#firstSeq = firstSeq;
    this.#nextSeq = firstSeq;
  }

  get firstSeq(): number {
    return this.#firstSeq;
  }

  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** Bytes of all records in it. */
  get bytes(): number {
    return this.#bytes;
  }

  push(record: Uint8Array, leafHash: Uint8Array): void {
    if (this.#nextSeq % TILE_WIDTH === 0)
      this.#bundles.push(this.#spare.pop() ?? new Bundle(this.#bundles.at(-1)?.bytes ?? FIRST_BYTES));
    this.#bundles.at(-1)!.push(record, leafHash);
    this.#nextSeq++;
    this.#bytes += record.length;
  }

  /** Returns a view of a record, which holds until the record is dropped. */
  record(seq: number): Uint8Array {
    return this.#bundleOf(seq).record(seq % TILE_WIDTH);
  }

  /** Returns a view, as {@link record}. */
  leafHash(seq: number): Uint8Array {
    return this.#bundleOf(seq).leafHashes(seq % TILE_WIDTH, 1);
  }

  /** Returns a view, as {@link record}. */
  entryBundle({ index, width }: Tile): Uint8Array {
    return this.#bundleOf(index * TILE_WIDTH + width - 1).entries(width);
  }

  /** Returns a view, as {@link record}. */
  lowestTile({ index, width }: Tile): Uint8Array {
    return this.#bundleOf(index * TILE_WIDTH + width - 1).leafHashes(0, width);
  }

  /** Forgets the bundles that end at or below `seq`. */
  dropBelow(seq: number): void {
    const count = Math.max(0, Math.floor((Math.min(seq, this.#nextSeq) - this.#firstSeq) / TILE_WIDTH));
    this.#spare = this.#bundles.splice(0, count);
    for (const bundle of this.#spare) this.#bytes -= bundle.clear();
    this.#firstSeq += count * TILE_WIDTH;
  }

  #bundleOf(seq: number): Bundle {
    if (seq < this.#firstSeq || seq >= this.#nextSeq)
      throw new RangeError(`record ${seq} is not in the tail of the log`);
    return this.#bundles[Math.floor((seq - this.#firstSeq) / TILE_WIDTH)]!;
  }
}

/** Up to 256 records as an entry bundle has them, and their leaf hashes as their tile has them. */
class Bundle {
  #entries: Buffer;
  readonly #leafHashes = Buffer.allocUnsafeSlow(TILE_WIDTH * HASH_BYTES);
  /** Where each entry ends. */
  readonly #ends = new Uint32Array(TILE_WIDTH);
  #count = 0;

  /** @param bytes Memory for entries, which grows where they need more. */
  constructor(bytes: number) {
    this.#entries = Buffer.allocUnsafeSlow(bytes);
  }

  /** Bytes of all entries in it. */
  get bytes(): number {
    return this.#startOf(this.#count);
  }

  push(record: Uint8Array, leafHash: Uint8Array): void {
    const at = this.#startOf(this.#count);
    const end = at + LENGTH_BYTES + record.length;
    if (end > this.#entries.length) {
      // Views of the old memory hold: it stays as it is.
      const larger = Buffer.allocUnsafeSlow(Math.max(end, Math.ceil(at * (1 + GROWTH))));
      this.#entries.copy(larger, 0, 0, at);
      this.#entries = larger;
    }
    this.#entries.writeUInt16BE(record.length, at);
    this.#entries.set(record, at + LENGTH_BYTES);
    this.#leafHashes.set(leafHash, this.#count * HASH_BYTES);
    this.#ends[this.#count++] = end;
  }

  record(index: number): Uint8Array {
    return this.#entries.subarray(this.#startOf(index) + LENGTH_BYTES, this.#ends[index]);
  }

  entries(count: number): Uint8Array {
    return this.#entries.subarray(0, this.#startOf(count));
  }

  leafHashes(from: number, count: number): Uint8Array {
    return this.#leafHashes.subarray(from * HASH_BYTES, (from + count) * HASH_BYTES);
  }

  /** Empties it for other records, and returns the bytes of those it had. */
  clear(): number {
    const bytes = this.bytes - this.#count * LENGTH_BYTES;
    this.#count = 0;
    return bytes;
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1]!;
  }
}
