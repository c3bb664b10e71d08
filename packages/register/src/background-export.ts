import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import type { IOtlpExportDelegate } from '@opentelemetry/otlp-exporter-base';
import { systemClock, systemRandom, systemTimers, type Clock, type Random, type Timers } from '@tallystick/core';
import type { Outcome } from './send.ts';

/** What an export needs of its surroundings. */
export interface BackgroundExportOptions<Items> {
  /** Returns the bytes of a batch; undefined when there is nothing to send. */
  readonly serialize: (items: Items) => Uint8Array | undefined;
  /** Makes one attempt. Never rejects. */
  readonly attempt: (body: Uint8Array) => Promise<Outcome>;
  /** Milliseconds after which a batch is given up. */
  readonly patienceMs: number;
  readonly clock?: Clock;
  readonly timers?: Timers;
  readonly random?: Random;
}

/** Batches that may wait for the collector, beside those that the SDK's own processor holds. */
const MAX_WAITING = 8;
const FIRST_WAIT_MS = 1000;
const MAX_WAIT_MS = 5000;

/**
 * Hands batches to a collector in the background: one at a time, in order, each tried again until its time is up.
 *
 * The exporters of OpenTelemetry hold a program alive while they wait for a collector that is not there: ten seconds
 * of a retry, or thirty of a batch processor's timer. This takes a batch at once, so that the processor has no timer
 * left, and waits on unreferenced timers. At shutdown it makes one last attempt and gives up at the first failure.
 */
export class BackgroundExport<Items> implements IOtlpExportDelegate<Items> {
  readonly #options: Required<BackgroundExportOptions<Items>>;
  readonly #waiting: { readonly body: Uint8Array; readonly untilMs: number }[] = [];
  #draining: Promise<void> | undefined;
  #hurried = false;
  #wake = (): void => undefined;

  constructor(options: BackgroundExportOptions<Items>) {
    this.#options = { clock: systemClock, timers: systemTimers, random: systemRandom, ...options };
  }

  export(items: Items, done: (result: ExportResult) => void): void {
    const body = this.#options.serialize(items);
    if (body && this.#waiting.length >= MAX_WAITING) {
      done({ code: ExportResultCode.FAILED, error: new Error('the collector is behind; a batch was dropped') });
      return;
    }
    if (body) {
      this.#waiting.push({ body, untilMs: this.#options.clock.monotonicMs() + this.#options.patienceMs });
      this.#draining ??= this.#drain();
    }
    done({ code: ExportResultCode.SUCCESS });
  }

  /** Resolves when every batch was sent or given up. From now on nothing is waited for. */
  async forceFlush(): Promise<void> {
    this.#hurried = true;
    this.#wake();
    await this.#draining;
    this.#hurried = false;
  }

  shutdown(): Promise<void> {
    return this.forceFlush();
  }

  /** The exporter's metrics about itself are not kept. */
  setMetrics(): void {}

  async #drain(): Promise<void> {
    for (let batch = this.#waiting[0]; batch; batch = this.#waiting[0]) {
      const delivered = await this.#deliver(batch.body, batch.untilMs);
      this.#waiting.shift();
      // A collector that is away for one batch is away for all: a program that ends does not ask for each.
      if (!delivered && this.#hurried) this.#waiting.length = 0;
    }
    this.#draining = undefined;
  }

  async #deliver(body: Uint8Array, untilMs: number): Promise<boolean> {
    const { attempt, clock, random } = this.#options;
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 1.5, MAX_WAIT_MS)) {
      const outcome = await attempt(body);
      if (outcome.kind !== 'later') return outcome.kind === 'accepted';
      const pauseMs = outcome.afterMs ?? waitMs * (0.8 + 0.4 * random.uniform());
      if (this.#hurried || clock.monotonicMs() + pauseMs > untilMs) return false;
      await this.#pause(pauseMs);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.timers.after(ms, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
