import { digestOf, DigestTable, type AddResult } from './digest-table.ts';

/**
 * A set of strings held as 128-bit digests in one typed array: 32 to 64 bytes an entry however long the strings are,
 * no object per entry, nothing evicted.
 */
export class DigestSet {
  readonly #prefix: string;
  readonly #table: DigestTable;

  /**
   * @param prefix Unpredictable text, mixed into every digest so that nobody can aim at one slot.
   * @param limit Entries it takes before it is full.
   */
  constructor(prefix: string, limit: number) {
    this.#prefix = prefix;
    this.#table = new DigestTable(limit);
  }

  get size(): number {
    return this.#table.size;
  }

  /** Bytes of its table. */
  get byteLength(): number {
    return this.#table.byteLength;
  }

  has(value: string): boolean {
    return this.#table.has(digestOf(this.#prefix, value));
  }

  add(value: string): AddResult {
    return this.#table.add(digestOf(this.#prefix, value));
  }
}
