import type { Clock, TallystickError, Timer, Timers } from '@tallystick/core';
import type { SignedHead } from './published-head.ts';

/** How often a log is published, at most, in milliseconds; but for {@link PUBLISH_EARLY_RECORDS}. */
export const PUBLISH_EVERY_MS = 1000;
/** So many records that wait are published without waiting, so that they do not fill the memory. */
export const PUBLISH_EARLY_RECORDS = 4096;

/** Decides when the durable head of a log is published. One publication at a time. */
export interface Publisher {
  /** The newest published head; undefined before the first. */
  readonly published: SignedHead | undefined;
  /** Told of each durable head. */
  durable(head: SignedHead): void;
  /** Publishes what is durable now, unless it is already. */
  flush(): Promise<void>;
  /** Publishes nothing more by itself, and resolves when nothing is being published. */
  stop(): Promise<void>;
}

/** The inputs of {@link createPublisher}. */
export interface PublisherOptions {
  readonly published: SignedHead | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Publishes one head. */
  publish(head: SignedHead): Promise<void>;
  /** Told once when nothing can be published any more; must not throw. */
  onFailure(error: TallystickError): void;
}

export function createPublisher(options: PublisherOptions): Publisher {
  const { clock, timers, publish, onFailure } = options;
  let { published } = options;
  let durable = published;
  let startedMs = -Infinity;
  let running: Promise<void> | undefined;
  let timer: Timer | undefined;
  let failure: TallystickError | undefined;
  let stopped = false;

  const waiting = (): number => (durable?.size ?? 0) - (published?.size ?? 0);
  const run = async (): Promise<void> => {
    timer?.cancel();
    timer = undefined;
    startedMs = clock.monotonicMs();
    const head = durable!;
    try {
      await publish(head);
      published = head;
    } catch (error) {
      failure = error as TallystickError;
      onFailure(failure);
    }
    running = undefined;
    schedule();
  };
  const start = (): Promise<void> => (running ??= run());
  const schedule = (): void => {
    if (running || stopped || failure || waiting() === 0) return;
    if (waiting() >= PUBLISH_EARLY_RECORDS) void start();
    else timer ??= timers.after(startedMs + PUBLISH_EVERY_MS - clock.monotonicMs(), () => void start());
  };

  return {
    get published() {
      return published;
    },
    durable(head) {
      durable = head;
      schedule();
    },
    async flush() {
      for (const size = durable?.size ?? 0; (published?.size ?? 0) < size;) {
        if (failure) throw failure;
        await start();
      }
    },
    async stop() {
      stopped = true;
      timer?.cancel();
      await running;
    },
  };
}
