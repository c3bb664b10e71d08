import type { Credential, TallystickError } from '@tallystick/core';
import { abortable } from './abortable.ts';
import type { CredentialSource } from './credential-source.ts';
import type { HeldCredential } from './held-credential.ts';
import { holdOpen } from './hold-open.ts';

/**
 * Yields the credential that a source has, then each newer one as soon as it is there. One that was replaced before
 * it was asked for is skipped.
 *
 * Ends when `closed` aborts or the source closes, throws the reason when `signal` aborts, and throws when the
 * credential is revoked or refused. Holds the program open for the first credential alone.
 */
export async function* watchSource(
  source: CredentialSource,
  closed: AbortSignal,
  signal: AbortSignal | undefined,
): AsyncGenerator<Credential, void, undefined> {
  const news = new News();
  const end = (): void => news.end(undefined);
  const stop = source.watch({ replaced: (held) => news.put(held), ended: (error) => news.end(error) });
  closed.addEventListener('abort', end, { once: true });
  try {
    let last: HeldCredential | undefined = await abortable(holdOpen(source.obtain()), signal);
    while (last && !closed.aborted) {
      yield last.credential;
      last = await abortable(news.after(last), signal);
    }
  } finally {
    stop();
    closed.removeEventListener('abort', end);
  }
}

/** The newest credential, or the end, for the one who waits for it. */
class News {
  #latest: HeldCredential | undefined;
  #ended: { readonly error: TallystickError | undefined } | undefined;
  #wake: (() => void) | undefined;

  put(held: HeldCredential): void {
    this.#latest = held;
    this.#wake?.();
  }

  end(error: TallystickError | undefined): void {
    this.#ended ??= { error };
    this.#wake?.();
  }

  /** Returns the first that is another than `last`; undefined at the end. */
  async after(last: HeldCredential): Promise<HeldCredential | undefined> {
    for (;;) {
      if (this.#ended?.error) throw this.#ended.error;
      if (this.#ended) return undefined;
      if (this.#latest && this.#latest !== last) return this.#latest;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
