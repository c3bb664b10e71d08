import { request as httpRequest, type Agent, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import type { IOtlpExportDelegate } from '@opentelemetry/otlp-exporter-base';
import type { Clock, Random, Timers } from '@tallystick/core';

/** A collector, and how to speak to it. */
export interface Collector {
  readonly url: string;
  /** Returns the headers of a request, as the variables say; asked for each. */
  readonly headers: () => Promise<Record<string, string>>;
  readonly agent: () => Agent | Promise<Agent>;
  readonly gzip: boolean;
  /** How long a batch is tried, milliseconds. */
  readonly timeoutMs: number;
}

/** What a delivery needs of its surroundings. */
export interface DeliveryOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly timers: Timers;
  readonly random: Random;
  /** When it is aborted, what is under way is given up at once. */
  readonly giveUp: AbortSignal;
  /** Hears how each attempt ended: undefined when the collector took the batch, else why not. */
  readonly attempted: (failure: string | undefined) => void;
}

/** How one attempt ended. */
type Attempt =
  | { readonly kind: 'taken' | 'refused' }
  | { readonly kind: 'later'; readonly afterMs: number | undefined };

/** Statuses that OTLP/HTTP calls retryable (OTLP 1.x, "Failures"). */
const RETRYABLE: ReadonlySet<number | undefined> = new Set([429, 502, 503, 504]);
const FIRST_WAIT_MS = 1000;
const MAX_WAIT_MS = 5000;

const compress = promisify(gzip);

/**
 * Delivers batches to a collector, each tried again until its time is up.
 *
 * The delivery of OpenTelemetry's own exporters cannot be given up: its retries and timeouts would hold a sidecar that
 * has stopped for ten seconds.
 */
export class OtlpDelivery<Items> implements IOtlpExportDelegate<Items> {
  readonly #collector: Collector;
  readonly #serialize: (items: Items) => Uint8Array | undefined;
  readonly #options: DeliveryOptions;
  readonly #underWay = new Set<Promise<void>>();

  /** @param serialize Returns the bytes of a batch; undefined when there is nothing to send. */
  constructor(collector: Collector, serialize: (items: Items) => Uint8Array | undefined, options: DeliveryOptions) {
    this.#collector = collector;
    this.#serialize = serialize;
    this.#options = options;
  }

  export(items: Items, done: (result: ExportResult) => void): void {
    const body = this.#serialize(items);
    if (!body) {
      done({ code: ExportResultCode.SUCCESS });
      return;
    }
    const delivery = this.#deliver(body, done);
    this.#underWay.add(delivery);
    void delivery.finally(() => this.#underWay.delete(delivery));
  }

  /** Resolves when every batch was delivered or given up. */
  async forceFlush(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  shutdown(): Promise<void> {
    return this.forceFlush();
  }

  /** Part of the interface. The exporter's metrics about itself are not kept. */
  setMetrics(): void {}

  async #deliver(plain: Uint8Array, done: (result: ExportResult) => void): Promise<void> {
    const isTaken = await this.#tryUntilTaken(plain).catch(() => false);
    done({ code: isTaken ? ExportResultCode.SUCCESS : ExportResultCode.FAILED });
  }

  async #tryUntilTaken(plain: Uint8Array): Promise<boolean> {
    const { clock, random, giveUp } = this.#options;
    const body = this.#collector.gzip ? await compress(plain) : plain;
    const untilMs = clock.monotonicMs() + this.#collector.timeoutMs;
    for (let waitMs = FIRST_WAIT_MS; !giveUp.aborted; waitMs = Math.min(waitMs * 1.5, MAX_WAIT_MS)) {
      const attempt = await this.#attempt(body);
      if (attempt.kind !== 'later') return attempt.kind === 'taken';
      const pauseMs = attempt.afterMs ?? waitMs * (0.8 + 0.4 * random.uniform());
      if (clock.monotonicMs() + pauseMs > untilMs) return false;
      await this.#pause(pauseMs);
    }
    return false;
  }

  /** Makes one attempt. Never rejects. */
  async #attempt(body: Uint8Array): Promise<Attempt> {
    const { url, headers, agent, gzip: isGzip, timeoutMs } = this.#collector;
    const start = url.startsWith('https:') ? httpsRequest : httpRequest;
    try {
      const options: RequestOptions = {
        method: 'POST',
        headers: {
          ...(await headers()),
          ...(isGzip && { 'content-encoding': 'gzip' }),
          'content-length': body.length,
        },
        agent: await agent(),
        signal: this.#options.giveUp,
      };
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const request = start(url, options, (answer) => {
          answer
            .on('error', reject)
            .on('end', () => resolve(answer))
            .resume();
        });
        request.on('error', reject);
        request.setTimeout(timeoutMs, () => request.destroy(Object.assign(new Error(), { code: 'ETIMEDOUT' })));
        request.end(body);
      });
      return this.#judge(response);
    } catch (error) {
      // Not its message, which may quote the address of the collector, and with it a password.
      const { code = 'error' } = error as NodeJS.ErrnoException;
      if (!this.#options.giveUp.aborted) this.#options.attempted(code);
      return { kind: 'later', afterMs: undefined };
    }
  }

  #judge({ statusCode = 0, headers }: IncomingMessage): Attempt {
    const isTaken = statusCode >= 200 && statusCode < 300;
    this.#options.attempted(isTaken ? undefined : `HTTP ${statusCode}`);
    if (isTaken) return { kind: 'taken' };
    if (!RETRYABLE.has(statusCode)) return { kind: 'refused' };
    const seconds = Number(headers['retry-after']);
    return { kind: 'later', afterMs: seconds > 0 ? seconds * 1000 : undefined };
  }

  /** Waits, unless it is over already. */
  #pause(ms: number): Promise<void> {
    const { giveUp, timers } = this.#options;
    return new Promise((resolve) => {
      if (giveUp.aborted) return resolve();
      const over = (): void => {
        timer.cancel();
        giveUp.removeEventListener('abort', over);
        resolve();
      };
      const timer = timers.after(ms, over);
      giveUp.addEventListener('abort', over);
    });
  }
}
