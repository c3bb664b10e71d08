import { TallystickError, type Timer } from '@tallystick/core';
import type { UsageReport } from '@tallystick/protocol';
import { currentBusinessProcess } from '@tallystick/telemetry';
import { publish } from './channels.ts';
import type { HeldToken } from './held-token.ts';
import { outside } from './outside.ts';
import type { Runtime } from './runtime.ts';
import { reportedUse, UsageLedger, type UseCount } from './usage-ledger.ts';

/** What a {@link UsageReporter} is made of. */
export interface UsageReporterOptions {
  readonly runtime: Pick<Runtime, 'clock' | 'timers' | 'random'>;
  /** Sends a report. Resolves when it is on record. */
  readonly send: (report: Omit<UsageReport, 'logHead'>) => Promise<unknown>;
}

/** A report that was made. It is sent until the sidecar has it, always as the same. */
interface Pending {
  readonly report: number;
  readonly final: boolean;
  /** Those that can be proven alone, once the sidecar has not known a lease whose token it has not signed. */
  uses: readonly UseCount[];
  /** True once the sidecar has said that it does not know a lease of it. */
  proven: boolean;
}

/** How long uses are gathered, give or take a tenth: so much is lost where a process ends without closing. */
export const USAGE_INTERVAL_MS = 30_000;

/**
 * Tells the sidecar what was done with each lease: by a timer that no call waits for, in reports that are numbered, one
 * at a time. Nothing is said of a holder that does nothing; it then has no timer either.
 */
export class UsageReporter {
  readonly #options: UsageReporterOptions;
  readonly #ledger = new UsageLedger();
  #timer: Timer | undefined;
  #pending: Pending | undefined;
  #reports = 0;
  #sending: Promise<void> | undefined;
  #closing = false;
  /** True where a report could not be sent, until the timer tries again: nothing else makes it hurry. */
  #waits = false;
  /** True where the sidecar takes no reports: it is of an older version. */
  #off = false;

  constructor(options: UsageReporterOptions) {
    this.#options = options;
  }

  /** Counts one use of a token: a proof was signed for a request to `target`, a URL origin. */
  count(held: HeldToken, target: string): void {
    if (this.#off) return;
    this.#ledger.count(held, target, currentBusinessProcess(), this.#options.runtime.clock.nowMs());
    if (this.#timer === undefined) this.#arm(0);
  }

  /** Reports what was counted until now, soon, and not as part of what the caller does. */
  flush(): void {
    if (this.#hasNews && !this.#waits) void outside(() => this.#send());
  }

  /** Takes up reporting again where the sidecar took none: it was started anew, maybe by a later version. */
  resume(): void {
    this.#off = false;
  }

  /** Reports what is left, as the last that comes from this key. Resolves when it is on record, or could not be. */
  async close(): Promise<void> {
    if (this.#off) return;
    await this.#sending;
    this.#closing = true;
    await this.#send();
    // What could not be sent is not sent later either.
    this.#stop();
  }

  get #hasNews(): boolean {
    return !this.#off && (this.#pending !== undefined || !this.#ledger.isEmpty);
  }

  #arm(leastMs: number): void {
    const { timers, random } = this.#options.runtime;
    const waitMs = Math.max(USAGE_INTERVAL_MS * (0.9 + 0.2 * random.uniform()), leastMs);
    this.#timer?.cancel();
    this.#timer = outside(() =>
      timers.after(waitMs, () => {
        this.#timer = undefined;
        this.#waits = false;
        this.flush();
      }),
    );
  }

  #send(): Promise<void> {
    this.#sending ??= this.#drain().finally(() => (this.#sending = undefined));
    return this.#sending;
  }

  /** Sends reports until nothing is left, or one could not be sent now. */
  async #drain(): Promise<void> {
    for (let pending = this.#next(); pending; pending = this.#next()) {
      try {
        await this.#options.send(reportOf(pending));
        this.#pending = undefined;
        if (pending.final) return;
      } catch (fault) {
        const error = TallystickError.is(fault)
          ? fault
          : new TallystickError('internal_error', 'the use of leases could not be reported', { cause: fault });
        if (error.code === 'route_unknown') return this.#stop();
        if (error.code === 'lease_unknown' && this.#mayProve(pending, error)) continue;
        if (error.retryable) {
          this.#waits = true;
          return this.#arm(error.retryAfterMs ?? 0);
        }
        // The gap in the numbers says that a report was lost.
        this.#pending = undefined;
        publish('tallystick:usage:lost', { report: pending.report, error });
        if (pending.final) return;
      }
    }
  }

  /** Changes a report that names a lease which the sidecar does not know, so that it may take it. */
  #mayProve(pending: Pending, error: TallystickError): boolean {
    if (!pending.proven) {
      pending.proven = true;
      return true;
    }
    const provable = pending.uses.filter(isProvable);
    if (provable.length === 0 || provable.length === pending.uses.length) return false;
    publish('tallystick:usage:lost', { report: pending.report, error });
    pending.uses = provable;
    return true;
  }

  #next(): Pending | undefined {
    if (this.#pending) return this.#pending;
    if (this.#ledger.isEmpty && !this.#closing) return undefined;
    const uses = this.#ledger.take();
    const final = this.#closing && this.#ledger.isEmpty;
    this.#pending = { report: this.#reports++, final, uses, proven: false };
    return this.#pending;
  }

  #stop(): void {
    this.#off = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#pending = undefined;
    this.#ledger.clear();
  }
}

function reportOf({ report, final, uses, proven }: Pending): Omit<UsageReport, 'logHead'> {
  const tokens = new Set(proven ? uses.filter(isProvable).map(({ held }) => held.credential.token.reveal()) : []);
  return { report, final, uses: uses.map(reportedUse), tokens: [...tokens] };
}

/** True for a use of a token that the sidecar has signed itself. One of another server proves nothing to it. */
function isProvable({ held }: UseCount): boolean {
  return held.credential.delivery === 'plain';
}
