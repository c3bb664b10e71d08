import { backoffMs, TallystickError, type Timer } from '@tallystick/core';
import { publish } from './channels.ts';
import { isUsable, type HeldCredential } from './held-credential.ts';
import { isRefusal } from './refusal.ts';
import type { Runtime } from './runtime.ts';

/** What a {@link CredentialSource} is made of. */
export interface CredentialSourceOptions<H extends HeldCredential> {
  readonly name: string;
  /** Lease id of the certificate that it is bound to. */
  readonly boundTo?: string | undefined;
  readonly runtime: Pick<Runtime, 'clock' | 'timers' | 'random'>;
  /** Asks the sidecar for it. `background`: nobody waits for it. */
  readonly ask: (background: boolean) => Promise<H>;
  /** True when what was asked for at that monotonic instant may not be used without asking again. */
  readonly isStale: (askedAtMs: number) => boolean;
}

/** Is told of every change, until it unsubscribes. */
export interface CredentialWatcher<H extends HeldCredential> {
  replaced(held: H): void;
  ended(error: TallystickError | undefined): void;
}

/**
 * One credential in memory: asked for once however many want it, replaced ahead of its expiry while it is in use,
 * served while the sidecar is away, and never used after it expired or was taken away.
 *
 * Replacement is driven by use: the first use after `rotateAt` starts it and is served the one it has. An idle
 * source does nothing. A watched one counts as used.
 */
export class CredentialSource<H extends HeldCredential = HeldCredential> {
  readonly #options: CredentialSourceOptions<H>;
  readonly #watchers = new Set<CredentialWatcher<H>>();
  #held: H | undefined;
  #refreshAtMs = 0;
  /** Counts what was taken away: an answer that was on its way then is not kept. */
  #generation = 0;
  #flight: Flight<H> | undefined;
  #failures = 0;
  #refusal: { readonly error: TallystickError; readonly untilMs: number } | undefined;
  /** True between the drop of a token that an API refused and the arrival of the next. */
  #replacing = false;
  /** The token that came instead of a refused one: see {@link CredentialSource.refused}. */
  #replacement: H | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: CredentialSourceOptions<H>) {
    this.#options = options;
  }

  /** Returns the credential where one can be used now, without waiting. Starts its replacement when that is due. */
  peek(): H | undefined {
    const held = this.#held;
    if (held === undefined || !this.#mayUse(held)) return undefined;
    if (this.#options.runtime.clock.monotonicMs() >= this.#refreshAtMs) this.refresh();
    return held;
  }

  /**
   * Returns a credential that can be used now, asking the sidecar where there is none.
   *
   * @throws {TallystickError} The sidecar's refusal, `sidecar_unavailable`, or `identity_closed`.
   */
  async obtain(): Promise<H> {
    for (let round = 0; ; round++) {
      const held = this.peek();
      if (held) return held;
      this.#requireAskable();
      const flight = this.#flight ?? this.#start(false);
      const answer = await flight.answer;
      const isCurrent = flight.generation === this.#generation;
      // One that took as long as its credential lives is worth nothing; the sidecar has it now, and answers at once.
      if (isCurrent && this.#mayUse(answer)) return answer;
      if (round === MAX_ROUNDS) throw isCurrent ? this.#tooLate() : this.#takenAway();
    }
  }

  /** Replaces it now, in the background. It is served until then. */
  refresh(): void {
    if (this.#closed || this.#flight) return;
    // Whoever wants it meets the error in obtain(); here it has been dealt with.
    this.#start(true).answer.catch(() => {});
  }

  /** Stops using it, and asks anew at the next use. */
  drop(reason: string): void {
    this.#generation++;
    this.#flight = undefined;
    this.#failures = 0;
    this.#refreshAtMs = 0;
    const held = this.#held;
    this.#held = undefined;
    if (held)
      publish('tallystick:credential:dropped', { name: this.#options.name, leaseId: held.credential.leaseId, reason });
    this.#arm();
  }

  /** As {@link CredentialSource.drop}, and ends every watch with `error`. */
  revoke(error: TallystickError): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    this.drop(error.code);
    for (const watcher of watchers) watcher.ended(error);
  }

  /**
   * Notes that an API refused `held` as invalid. Returns true when another may be had.
   *
   * A token that itself replaced a refused one is kept for a minute: the fault is then not in the token, and an API
   * that refuses everything must not turn every call into a mint.
   */
  refused(held: H): boolean {
    const { clock } = this.#options.runtime;
    if (this.#held !== held) return true;
    if (this.#replacement === held && clock.monotonicMs() - held.askedAtMs < REPLACEMENT_KEPT_MS) return false;
    this.drop('invalid_token');
    this.#replacing = true;
    return true;
  }

  /** Forgets refusals and failures: something changed. */
  forgive(): void {
    this.#refusal = undefined;
    this.#failures = 0;
    if (this.#held) this.#refreshAtMs = this.#held.refreshAtMs;
  }

  get name(): string {
    return this.#options.name;
  }

  /** Lease id of the certificate that it is bound to; undefined of all else. */
  get boundTo(): string | undefined {
    return this.#options.boundTo;
  }

  /** True when forgetting the source would lose nothing. */
  get isIdle(): boolean {
    if (this.#flight || this.#watchers.size > 0 || this.#standingRefusal()) return false;
    return this.#held === undefined || !isUsable(this.#held, this.#options.runtime.clock);
  }

  /** The one that is held, usable or not. */
  get held(): H | undefined {
    return this.#held;
  }

  /** Tells `watcher` of every change until the returned function is called. */
  watch(watcher: CredentialWatcher<H>): () => void {
    this.#watchers.add(watcher);
    this.#arm();
    return () => {
      this.#watchers.delete(watcher);
      this.#arm();
    };
  }

  /** Forgets it and ends every watch. */
  close(): void {
    this.#closed = true;
    this.#generation++;
    this.#held = undefined;
    this.#timer?.cancel();
    for (const watcher of this.#watchers) watcher.ended(undefined);
  }

  #takenAway(): TallystickError {
    const { name } = this.#options;
    return new TallystickError('credential_revoked', `"${name}" was taken away while it was asked for`);
  }

  #tooLate(): TallystickError {
    const { name } = this.#options;
    return new TallystickError('sidecar_unavailable', `"${name}" had expired each time before its answer was here`, {
      remedy: 'let the credential live longer than it takes to make it',
    });
  }

  #mayUse(held: H): boolean {
    return isUsable(held, this.#options.runtime.clock) && !this.#options.isStale(held.askedAtMs);
  }

  #requireAskable(): void {
    if (this.#closed)
      throw new TallystickError('identity_closed', `"${this.#options.name}" was asked for after close()`);
    const refusal = this.#standingRefusal();
    if (refusal) throw refusal;
  }

  #standingRefusal(): TallystickError | undefined {
    const refusal = this.#refusal;
    return refusal && this.#options.runtime.clock.monotonicMs() < refusal.untilMs ? refusal.error : undefined;
  }

  #start(background: boolean): Flight<H> {
    const generation = this.#generation;
    const current = (): boolean => generation === this.#generation;
    const answer = this.#options.ask(background).then(
      (held) => {
        if (current()) this.#keep(held);
        return held;
      },
      (error: unknown) => {
        if (current()) this.#failed(error);
        throw error;
      },
    );
    this.#flight = { generation, answer };
    return this.#flight;
  }

  #keep(held: H): void {
    this.#flight = undefined;
    this.#held = held;
    this.#refreshAtMs = held.refreshAtMs;
    this.#failures = 0;
    this.#refusal = undefined;
    if (this.#replacing) this.#replacement = held;
    this.#replacing = false;
    const { name, leaseId, expiresAt } = held.credential;
    publish('tallystick:credential:obtained', { name, leaseId, expiresAt });
    for (const watcher of this.#watchers) watcher.replaced(held);
    this.#arm();
  }

  #failed(cause: unknown): void {
    this.#flight = undefined;
    const { clock, random } = this.#options.runtime;
    const error = TallystickError.is(cause)
      ? cause
      : new TallystickError('internal_error', 'asking for a credential failed', { cause });
    const serving = this.#held !== undefined && this.#mayUse(this.#held);
    publish('tallystick:credential:failed', { name: this.#options.name, error, serving: serving && !isRefusal(error) });
    const now = clock.monotonicMs();
    const waitMs = Math.max(backoffMs(this.#failures++, random.uniform()), error.retryAfterMs ?? 0);
    this.#refreshAtMs = now + waitMs;
    if (isRefusal(error)) {
      this.#refusal = { error, untilMs: now + REFUSAL_KEPT_MS };
      this.revoke(error);
    } else if (error.retryAfterMs !== undefined) {
      this.#refusal = { error, untilMs: now + error.retryAfterMs };
    }
    this.#arm();
  }

  /** A watched source is replaced by a timer, since nobody may use it in between. */
  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#watchers.size === 0 || this.#closed) return;
    const { clock, timers } = this.#options.runtime;
    this.#timer = timers.after(this.#refreshAtMs - clock.monotonicMs(), () => this.refresh());
  }
}

interface Flight<H> {
  readonly generation: number;
  readonly answer: Promise<H>;
}

/** How often an answer that was overtaken by a revocation, or by its end, is asked for again. */
const MAX_ROUNDS = 2;
/** A refusal stands for a second, so that a busy workload does not flood the sidecar with what is refused. */
const REFUSAL_KEPT_MS = 1000;
const REPLACEMENT_KEPT_MS = 60_000;
