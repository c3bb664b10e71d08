import { leafHash } from '@tallystick/core';
import type { Batch } from '../journal/batch.ts';
import type { Leaves } from './tail.ts';

/** What a journal still held when it was opened: records with their leaf hashes, and the newest head. */
export class RecoveredJournal implements Leaves {
  readonly #records: Uint8Array[] = [];
  readonly #leafHashes: Buffer[] = [];
  #firstSeq: number | undefined;
  /** The signed head of the last batch; undefined where there is no batch. */
  head: Uint8Array | undefined;

  add({ firstSeq, records, head }: Batch): void {
    this.#firstSeq ??= firstSeq;
    for (const record of records) {
      this.#records.push(record);
      this.#leafHashes.push(leafHash(record));
    }
    this.head = head;
  }

  record(seq: number): Uint8Array {
    return this.#records[seq - this.#firstSeq!]!;
  }

  leafHash(seq: number): Uint8Array {
    return this.#leafHashes[seq - this.#firstSeq!]!;
  }
}
