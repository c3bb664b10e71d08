import { existsSync } from 'node:fs';
import { backoffMs, isSpiffeId, printable, strangeOption, TallystickError } from '@tallystick/core';
import { generateHolderKey } from '@tallystick/dpop';
import { abortable } from './abortable.ts';
import { tokenEndpoints } from './authorization-servers.ts';
import { holdOpen } from './hold-open.ts';
import { Holder } from './holder.ts';
import { createIdentity, type Identity } from './identity.ts';
import type { Runtime } from './runtime.ts';
import { SidecarClient } from './sidecar-client.ts';
import { socketCandidates } from './socket.ts';
import { openTrust, type SidecarTrust } from './trust-file.ts';

/** How to reach the sidecar, and as whom. */
export interface ConnectOptions {
  /**
   * The workload socket: `unix:///absolute/path` or the path alone. Absent: `TALLYSTICK_SOCKET`, else
   * `$XDG_RUNTIME_DIR/tallystick/api.sock`, else `/run/tallystick/api.sock`.
   */
  readonly socket?: string;
  /** The SPIFFE ID to be. Needed where several identities match this workload; no other is accepted. */
  readonly identity?: string;
  /**
   * The token endpoints, whole https URLs, of the other authorization servers that proofs by keys of this process may be
   * made for. Those of the trust file count too.
   */
  readonly authorizationServers?: readonly string[];
  /** Sends the requests of `identity.fetch`. Absent: the global `fetch`, looked up at each call. */
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds to wait for a sidecar that is not there yet. Default 30,000. */
  readonly startupTimeoutMs?: number;
  /** Gives up waiting. */
  readonly signal?: AbortSignal;
}

/** Where and as whom a holder is wanted. */
interface Place {
  readonly runtime: Runtime;
  readonly candidates: readonly string[];
  readonly identity: string | undefined;
  readonly trust: SidecarTrust | undefined;
}

const CONNECT_OPTIONS: Readonly<Record<keyof ConnectOptions, true>> = {
  socket: true,
  identity: true,
  authorizationServers: true,
  fetch: true,
  startupTimeoutMs: true,
  signal: true,
};
const STARTUP_TIMEOUT_MS = 30_000;
/** From this attempt on the waits for a sidecar that is not there yet grow no more: 0 to 2 s, by chance. */
const LAST_GROWTH = 1;

/**
 * Returns the identity of this workload; see {@link ConnectOptions}. The surroundings are those of `runtime`.
 *
 * @param hold Keeps the program alive while it waits. Default: {@link holdOpen}.
 */
export async function connectIn(
  runtime: Runtime,
  options: ConnectOptions = {},
  hold: (waiting: Promise<Holder>) => Promise<Holder> = holdOpen,
): Promise<Identity> {
  const strange = strangeOption(options, CONNECT_OPTIONS);
  if (strange !== undefined) {
    throw new TallystickError('invalid_request', strange, { remedy: 'correct the options of connect' });
  }
  const { signal, startupTimeoutMs = STARTUP_TIMEOUT_MS } = options;
  const servers = tokenEndpoints(options.authorizationServers ?? [], 'connect({ authorizationServers })');
  const trust = trustOf(runtime);
  const identity = options.identity ?? trust?.identity;
  if (identity !== undefined && !isSpiffeId(identity)) {
    throw new TallystickError('invalid_spiffe_id', `"${printable(identity)}" is not a SPIFFE ID`);
  }
  if (trust?.identity !== undefined && identity !== trust.identity) {
    throw new TallystickError(
      'identity_mismatch',
      `the trust file says that this is ${trust.identity}, not ${identity}`,
    );
  }
  const candidates = socketCandidates({ option: options.socket, env: runtime.env, platform: runtime.platform });
  const waiting = waitForHolder({ runtime, candidates, identity, trust }, startupTimeoutMs, signal);
  const holder = await hold(abortable(waiting, signal)).catch((error: unknown) => {
    // Whoever gave up waiting must not count among those who share it.
    void waiting.then(
      (late) => late.leave(),
      () => {},
    );
    throw error;
  });
  holder.pinServers(servers);
  // Looked up at call time: a service may replace the global one after it has connected.
  const send = options.fetch ?? ((...request: Parameters<typeof fetch>) => globalThis.fetch(...request));
  return createIdentity(holder, send);
}

function trustOf(runtime: Runtime): SidecarTrust | undefined {
  const path = runtime.env.TALLYSTICK_TRUST;
  return path ? openTrust(path, (file) => runtime.readTrustFile(file)) : undefined;
}

/** Returns a holder that has been joined. */
async function waitForHolder(place: Place, timeoutMs: number, signal: AbortSignal | undefined): Promise<Holder> {
  const { clock, timers, random } = place.runtime;
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    try {
      const holder = await sharedHolder(place);
      // One that ended in this very moment is about to be forgotten: the next look finds none.
      if (holder.join()) return holder;
      continue;
    } catch (error) {
      const leftMs = deadlineMs - clock.monotonicMs();
      if (!TallystickError.is(error) || !error.retryable || leftMs <= 0) throw error;
      const waitMs = backoffMs(Math.min(attempt, LAST_GROWTH), random.uniform());
      await new Promise<void>((resolve) =>
        timers.after(Math.min(Math.max(waitMs, error.retryAfterMs ?? 0), leftMs), resolve),
      );
    }
  }
}

/** Returns the holder of this thread for a place, making it where there is none. Many who ask at once share one making. */
function sharedHolder(place: Place): Promise<Holder> {
  const { runtime, candidates, identity } = place;
  const socketPath = candidates.find((path) => existsSync(path)) ?? candidates[0]!;
  const name = nameOf(runtime, socketPath, identity);
  const existing = runtime.holders.get(name);
  if (existing) return existing;
  const made = makeHolder(place, socketPath);
  runtime.holders.set(name, made);
  made.catch(() => runtime.holders.delete(name));
  return made;
}

async function makeHolder({ runtime, identity, trust }: Place, socketPath: string): Promise<Holder> {
  const client = new SidecarClient(runtime, socketPath, await generateHolderKey(), identity, trust);
  try {
    const document = await client.identity();
    const name = nameOf(runtime, socketPath, document.id);
    // Asked for by name and without: it is one holder, whoever came first.
    const existing = identity === undefined ? runtime.holders.get(name) : undefined;
    if (existing) {
      client.close();
      return await existing;
    }
    const holder = new Holder(runtime, client, document, forget);
    holder.pinServers(trust?.authorizationServers ?? []);
    if (identity === undefined) runtime.holders.set(name, Promise.resolve(holder));
    return holder;
  } catch (error) {
    client.close();
    throw error;
  }

  function forget(holder: Holder): void {
    for (const [name, other] of runtime.holders)
      void other.then((found) => found === holder && runtime.holders.delete(name));
  }
}

/** One that believes whoever answers is of no use where a trust file says who that is. */
function nameOf({ env }: Runtime, socketPath: string, identity: string | undefined): string {
  return `${socketPath} ${identity ?? ''}${env.TALLYSTICK_TRUST ? ` ${env.TALLYSTICK_TRUST}` : ''}`;
}
