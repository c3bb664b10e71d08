import { TILE_WIDTH } from '../tlog/tile.ts';

/** What a tile of the lowest row and an entry bundle are made from. */
export interface Leaves {
  record(seq: number): Uint8Array;
  leafHash(seq: number): Uint8Array;
}

/** Records of one bundle begin with so much memory, which doubles where they need more. */
const FIRST_BYTES = 64 * 1024;
const HASH_BYTES = 32;

/**
 * The records at the end of a log that are not in full, published bundles yet: what the next tiles are made from, and
 * what readers of the newest records get. They are copied into one piece of memory a bundle: they live for a second or
 * longer, and as objects of their own would be moved about by the garbage collector all the while.
 */
export class Tail implements Leaves {
  #firstSeq: number;
  #nextSeq: number;
  #bytes = 0;
  #bundles: Bundle[] = [];

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
    if (this.#nextSeq % TILE_WIDTH === 0) this.#bundles.push(new Bundle());
    this.#bundles.at(-1)!.push(record, leafHash);
    this.#nextSeq++;
    this.#bytes += record.length;
  }

  /** Returns a view of a record, which stays as it is. */
  record(seq: number): Uint8Array {
    return this.#bundleOf(seq).record(seq % TILE_WIDTH);
  }

  leafHash(seq: number): Uint8Array {
    return this.#bundleOf(seq).leafHash(seq % TILE_WIDTH);
  }

  /** Forgets the bundles that end at or below `seq`. */
  dropBelow(seq: number): void {
    const count = Math.max(0, Math.floor((Math.min(seq, this.#nextSeq) - this.#firstSeq) / TILE_WIDTH));
    for (const { bytes } of this.#bundles.splice(0, count)) this.#bytes -= bytes;
    this.#firstSeq += count * TILE_WIDTH;
  }

  #bundleOf(seq: number): Bundle {
    if (seq < this.#firstSeq || seq >= this.#nextSeq) throw new RangeError(`record ${seq} is not in the tail of the log`);
    return this.#bundles[Math.floor((seq - this.#firstSeq) / TILE_WIDTH)]!;
  }
}

/** Up to 256 records, one behind the other. */
class Bundle {
  #records = Buffer.allocUnsafeSlow(FIRST_BYTES);
  readonly #leafHashes = Buffer.allocUnsafeSlow(TILE_WIDTH * HASH_BYTES);
  /** Where each record ends. */
  readonly #ends = new Uint32Array(TILE_WIDTH);
  #count = 0;
  /** Bytes of all its records. */
  bytes = 0;

  push(record: Uint8Array, leafHash: Uint8Array): void {
    const end = this.bytes + record.length;
    if (end > this.#records.length) {
      // Readers may hold views of the old memory: it stays as it is.
      const larger = Buffer.allocUnsafeSlow(Math.max(end, this.#records.length * 2));
      this.#records.copy(larger, 0, 0, this.bytes);
      this.#records = larger;
    }
    this.#records.set(record, this.bytes);
    this.#leafHashes.set(leafHash, this.#count * HASH_BYTES);
    this.#ends[this.#count++] = end;
    this.bytes = end;
  }

  record(index: number): Uint8Array {
    return this.#records.subarray(index === 0 ? 0 : this.#ends[index - 1], this.#ends[index]);
  }

  leafHash(index: number): Uint8Array {
    return this.#leafHashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  }
}
