import { backoffMs, TallystickError, type Timer } from '@tallystick/core';
import { createStreamReader, parseEvent, SILENCE_MS, type SidecarEvent } from '@tallystick/protocol';
import { publish } from './channels.ts';
import type { Runtime } from './runtime.ts';

/** What an {@link EventFeed} is made of. */
export interface EventFeedOptions {
  readonly runtime: Pick<Runtime, 'clock' | 'timers' | 'random'>;
  /** Asks the sidecar for a stream. */
  readonly open: (signal: AbortSignal) => Promise<AsyncIterable<string>>;
  /** @param openedAtMs Monotonic instant before the stream was asked for. */
  readonly onEvent: (event: SidecarEvent, openedAtMs: number) => void;
  /** The stream ended or could not be had. It is tried again. */
  readonly onLost: (error: TallystickError) => void;
}

/** From this failure on the waits grow no more: 0 to 8 s, by chance. A revocation must not wait for minutes. */
const LAST_GROWTH = 3;

/** Keeps one event stream open, for as long as it is not closed. Keeps no program alive. */
export class EventFeed {
  readonly #options: EventFeedOptions;
  readonly #closed = new AbortController();
  #heardAtMs: number;
  #failures = 0;
  #retry: Timer | undefined;

  constructor(options: EventFeedOptions) {
    this.#options = options;
    this.#heardAtMs = options.runtime.clock.monotonicMs();
    void this.#connect();
  }

  /** Monotonic instant at which the stream was last known to be alive; at first, of the feed's making. */
  get heardAtMs(): number {
    return this.#heardAtMs;
  }

  /** Asks again at once where a wait is under way: the sidecar has answered something else. */
  hurry(): void {
    if (!this.#retry) return;
    this.#retry.cancel();
    this.#retry = undefined;
    void this.#connect();
  }

  close(): void {
    this.#retry?.cancel();
    this.#closed.abort();
  }

  async #connect(): Promise<void> {
    const { clock, timers, random } = this.#options.runtime;
    const silence = new AbortController();
    const stop = (): void => silence.abort();
    this.#closed.signal.addEventListener('abort', stop, { once: true });
    let timer: Timer | undefined;
    const alive = (): void => {
      timer?.cancel();
      timer = timers.after(SILENCE_MS, () =>
        silence.abort(new TallystickError('sidecar_unavailable', 'the event stream fell silent')),
      );
    };
    try {
      alive();
      const openedAtMs = clock.monotonicMs();
      const read = createStreamReader();
      let lastSeq: number | undefined;
      for await (const chunk of await this.#options.open(silence.signal)) {
        this.#heardAtMs = clock.monotonicMs();
        alive();
        for (const message of read(chunk)) {
          const event = parseEvent(message.type, message.data);
          requireNext(event, lastSeq);
          lastSeq = event.seq;
          if (event.type === 'snapshot') this.#opened(event.epoch);
          this.#options.onEvent(event, openedAtMs);
        }
      }
      throw new TallystickError('sidecar_unavailable', 'the event stream ended');
    } catch (fault) {
      if (this.#closed.signal.aborted) return;
      const cause: unknown = silence.signal.aborted ? silence.signal.reason : fault;
      // Ends the request where it is our judgement that ended the stream.
      silence.abort();
      const error = TallystickError.is(cause)
        ? cause
        : new TallystickError('sidecar_unavailable', 'the event stream broke', { cause });
      publish('tallystick:events:lost', { error });
      this.#options.onLost(error);
      const waitMs = backoffMs(Math.min(this.#failures++, LAST_GROWTH), random.uniform());
      this.#retry = timers.after(waitMs, () => {
        this.#retry = undefined;
        void this.#connect();
      });
    } finally {
      timer?.cancel();
      this.#closed.signal.removeEventListener('abort', stop);
    }
  }

  #opened(epoch: string): void {
    this.#failures = 0;
    publish('tallystick:events:open', { epoch });
  }
}

/** Requires a snapshot first, and then no gap: what was missed may have taken something away. */
function requireNext(event: SidecarEvent, lastSeq: number | undefined): void {
  const expected = lastSeq === undefined ? event.type === 'snapshot' : event.seq === lastSeq + 1;
  if (!expected) throw new TallystickError('protocol_error', 'the event stream has a gap');
}
