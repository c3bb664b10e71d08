/** What a tile of the lowest row and an entry bundle are made from. */
export interface Leaves {
  record(seq: number): Uint8Array;
  leafHash(seq: number): Uint8Array;
}

/**
 * The records at the end of a log that are not in full, published bundles yet: what the next tiles are made from, and
 * what readers of the newest records get. Records are kept as they were given.
 */
export class Tail implements Leaves {
  #firstSeq: number;
  #records: Uint8Array[] = [];
  #leafHashes: Uint8Array[] = [];
  #bytes = 0;

  constructor(firstSeq: number) {
    this.#firstSeq = firstSeq;
  }

  get firstSeq(): number {
    return this.#firstSeq;
  }

  get nextSeq(): number {
    return this.#firstSeq + this.#records.length;
  }

  /** Bytes of all records in it. */
  get bytes(): number {
    return this.#bytes;
  }

  push(record: Uint8Array, leafHash: Uint8Array): void {
    this.#records.push(record);
    this.#leafHashes.push(leafHash);
    this.#bytes += record.length;
  }

  record(seq: number): Uint8Array {
    return this.#at(this.#records, seq);
  }

  leafHash(seq: number): Uint8Array {
    return this.#at(this.#leafHashes, seq);
  }

  dropBelow(seq: number): void {
    const count = Math.max(0, seq - this.#firstSeq);
    for (const record of this.#records.splice(0, count)) this.#bytes -= record.length;
    this.#leafHashes.splice(0, count);
    this.#firstSeq += count;
  }

  #at(list: readonly Uint8Array[], seq: number): Uint8Array {
    const found = list[seq - this.#firstSeq];
    if (!found) throw new RangeError(`record ${seq} is not in the tail of the log`);
    return found;
  }
}
