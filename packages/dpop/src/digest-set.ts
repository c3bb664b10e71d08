import { hash } from 'node:crypto';

/** What {@link DigestSet.add} found. */
export type AddResult = 'added' | 'present' | 'full';

/**
 * A set of strings held as 128-bit digests in one typed array, by open addressing: 16 bytes an entry at the densest
 * load of one half, no object per entry, nothing evicted.
 */
export class DigestSet {
  readonly #prefix: string;
  readonly #limit: number;
  #slots = new Uint32Array(4 * 256);
  #size = 0;

  /**
   * @param prefix Unpredictable text, mixed into every digest so that nobody can aim at one slot.
   * @param limit Entries it takes before it is full.
   */
  constructor(prefix: string, limit: number) {
    this.#prefix = prefix;
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes of its table. */
  get byteLength(): number {
    return this.#slots.byteLength;
  }

  has(value: string): boolean {
    this.#digest(value);
    return this.#slots[this.#find(this.#slots)] !== 0;
  }

  add(value: string): AddResult {
    this.#digest(value);
    let slot = this.#find(this.#slots);
    if (this.#slots[slot] !== 0) return 'present';
    if (this.#size >= this.#limit) return 'full';
    if ((this.#size + 1) * 8 > this.#slots.length) {
      this.#grow();
      this.#digest(value);
      slot = this.#find(this.#slots);
    }
    this.#slots.set(scratch, slot);
    this.#size++;
    return 'added';
  }

  #digest(value: string): void {
    const bytes = hash('sha256', this.#prefix + value, 'buffer');
    for (let i = 0; i < 4; i++) scratch[i] = bytes.readUInt32LE(i * 4);
    // The first word marks a slot as taken.
    scratch[0]! |= 1;
  }

  #find(slots: Uint32Array): number {
    const mask = slots.length / 4 - 1;
    let index = scratch[1]! & mask;
    for (;;) {
      const at = index * 4;
      if (slots[at] === 0) return at;
      if (
        slots[at] === scratch[0] &&
        slots[at + 1] === scratch[1] &&
        slots[at + 2] === scratch[2] &&
        slots[at + 3] === scratch[3]
      ) {
        return at;
      }
      index = (index + 1) & mask;
    }
  }

  #grow(): void {
    const larger = new Uint32Array(this.#slots.length * 2);
    for (let at = 0; at < this.#slots.length; at += 4) {
      if (this.#slots[at] === 0) continue;
      scratch.set(this.#slots.subarray(at, at + 4));
      larger.set(scratch, this.#find(larger));
    }
    this.#slots = larger;
  }
}

const scratch = new Uint32Array(4);
