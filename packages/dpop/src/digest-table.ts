import { hash } from 'node:crypto';

/** What adding to a set found. */
export type AddResult = 'added' | 'present' | 'full';

/** 128 bits of a SHA-256 in four words; the first is odd, as 0 marks a free slot. */
export type Digest = Uint32Array;

/** Returns the digest of a string. `prefix` is unpredictable text, so that nobody can aim at one slot. */
export function digestOf(prefix: string, value: string): Digest {
  // As text: a Buffer costs more to make than the hash.
  const text = hash('sha256', prefix + value, 'binary');
  const digest = new Uint32Array(4);
  for (let i = 0; i < 16; i++) digest[i >> 2]! |= text.charCodeAt(i) << ((i & 3) * 8);
  digest[0]! |= 1;
  return digest;
}

/** A set of digests in one typed array, by open addressing. It doubles at a load of one half: 32 to 64 bytes an entry. */
export class DigestTable {
  readonly #limit: number;
  #slots = new Uint32Array(4 * 256);
  #size = 0;

  /** @param limit Entries it takes before it is full. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes of its array. */
  get byteLength(): number {
    return this.#slots.byteLength;
  }

  has(digest: Digest): boolean {
    return this.#slots[find(this.#slots, digest)] !== 0;
  }

  add(digest: Digest): AddResult {
    const at = find(this.#slots, digest);
    if (this.#slots[at] !== 0) return 'present';
    if (this.#size >= this.#limit) return 'full';
    this.#slots.set(digest, at);
    this.#size++;
    if (this.#size * 8 > this.#slots.length) this.#grow();
    return 'added';
  }

  #grow(): void {
    const larger = new Uint32Array(this.#slots.length * 2);
    for (let at = 0; at < this.#slots.length; at += 4) {
      if (this.#slots[at] === 0) continue;
      const digest = this.#slots.subarray(at, at + 4);
      larger.set(digest, find(larger, digest));
    }
    this.#slots = larger;
  }
}

/** Returns where `digest` is, or the free slot where it belongs. */
function find(slots: Uint32Array, digest: Digest): number {
  const mask = slots.length - 4;
  let at = (digest[1]! << 2) & mask;
  for (;;) {
    if (slots[at] === 0) return at;
    if (
      slots[at] === digest[0] &&
      slots[at + 1] === digest[1] &&
      slots[at + 2] === digest[2] &&
      slots[at + 3] === digest[3]
    ) {
      return at;
    }
    at = (at + 4) & mask;
  }
}
