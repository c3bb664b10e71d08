import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * A value that must not be printed.
 *
 * Turned into text (`String`, a template, JSON, `util.inspect` with any options) it is `[secret]`; copied (object
 * spread, `structuredClone`, `postMessage`) it is an empty object; only {@link Secret.reveal} gives the value. This
 * stops accidents; it is not a boundary against code in the same process, which can call `reveal`.
 *
 * Bytes are not copied: whoever made it may overwrite them.
 *
 * `assert.deepEqual` and most matchers see two different secrets as equal, because nothing in them can be
 * compared from outside: use {@link Secret.equals}.
 */
export class Secret<T extends string | Uint8Array = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
    Object.freeze(this);
  }

  /** Returns the value. Every call is a place where it can leak. */
  reveal(): T {
    return this.#value;
  }

  /** True when both hold the same bytes. Takes the same time wherever they differ. */
  equals(other: Secret<string | Uint8Array>): boolean {
    return timingSafeEqual(digest(this.#value), digest(other.reveal()));
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  get [Symbol.toStringTag](): string {
    return 'Secret';
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return REDACTED;
  }
}

const REDACTED = '[secret]';

function digest(value: string | Uint8Array): Buffer {
  return createHash('sha256').update(value).digest();
}
