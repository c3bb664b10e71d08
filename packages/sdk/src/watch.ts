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
  const news = new News(source);
  const end = (): void => news.end(undefined);
  const stop = source.watch({ replaced: () => news.wake(), ended: (error) => news.end(error) });
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

/** What a source has that is newer, or the end, for the one who waits for it. */
class News {
  readonly #source: CredentialSource;
  #ended: { readonly error: TallystickError | undefined } | undefined;
  #wake: (() => void) | undefined;

  constructor(source: CredentialSource) {
    this.#source = source;
  }

  wake(): void {
    this.#wake?.();
  }

  end(error: TallystickError | undefined): void {
    this.#ended ??= { error };
    this.wake();
  }

  /** Returns the first that is another than `last` and can be used when it is asked for; undefined at the end. */
  async after(last: HeldCredential): Promise<HeldCredential | undefined> {
    for (;;) {
      if (this.#ended?.error) throw this.#ended.error;
      if (this.#ended) return undefined;
      const held = this.#source.peek();
      if (held && held !== last) return held;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
