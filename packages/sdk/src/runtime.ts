import { systemClock, systemRandom, systemTimers, type Clock, type Random, type Timers } from '@tallystick/core';
import type { Holder } from './holder.ts';
import { readTrustFile } from './read-trust-file.ts';
import { trustSocket } from './socket-trust.ts';
import { socketTransport, type Transport } from './transport.ts';

/** What the SDK takes from its surroundings. Injected, so that tests own it. */
export interface Runtime {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** Waits before a connection is tried again. In real time, also where the clock is not. */
  pause(ms: number): Promise<void>;
  /** Returns the way to the sidecar at `socketPath`. */
  transport(socketPath: string): Transport;
  /**
   * Requires that the socket can be trusted; called before every request.
   *
   * @throws {TallystickError} `socket_untrusted`, or `sidecar_unavailable` when there is none.
   */
  trustSocket(socketPath: string): void;
  /**
   * Returns the text of the trust file at `path`.
   *
   * @throws {TallystickError} `config_invalid`: there is none, or this process could have written it.
   */
  readTrustFile(path: string): string;
  /** The holders of this thread, by socket and identity, with the names under which they were asked for. */
  readonly holders: Map<string, Promise<Holder>>;
}

// The number changes when a Holder of one installed copy could no longer serve an Identity of another.
const HOLDERS = Symbol.for('tallystick.sdk.holders.3');

/** Returns the runtime of this thread. Its holders are shared with every other copy of the SDK in the thread. */
export function systemRuntime(): Runtime {
  const shared = globalThis as { [HOLDERS]?: Map<string, Promise<Holder>> };
  return {
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    env: process.env,
    platform: process.platform,
    pause: (ms) => new Promise((resolve) => systemTimers.after(ms, resolve)),
    transport: socketTransport,
    trustSocket: (path) => trustSocket(path, process.geteuid!()),
    readTrustFile: (path) => readTrustFile(path, process.geteuid!()),
    holders: (shared[HOLDERS] ??= new Map()),
  };
}
