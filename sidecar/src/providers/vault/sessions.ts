import { TallystickError, type Clock, type Timer, type Timers } from '@tallystick/core';
import { errorFields, type Log } from '../../observe/log.ts';
import { unlessAborted } from '../unless-aborted.ts';
import type { AnswerReader, GivenToken } from './answers.ts';
import type { Login } from './login.ts';
import type { VaultClient } from './vault-client.ts';

/** A token of the sidecar's own. What is made by it ends with it. */
export interface Session {
  readonly token: string;
  readonly accessor: string;
  readonly policies: readonly string[];
  /** Until when Vault guarantees it, milliseconds since the epoch; `Infinity` where it never ends. */
  readonly expiresAtMs: number;
}

/** The sidecar's own tokens: one in use, and those before it that others still depend on. */
export interface Sessions {
  /**
   * Runs what needs a token. Where Vault denies it because the token has died, it is run once more by a new one.
   *
   * @param leastMs How long what is made should live. The session is extended to that where it can be.
   * @throws {TallystickError} `upstream_*`; what `run` throws; the reason of `signal`.
   */
  use<T>(leastMs: number, signal: AbortSignal, run: (session: Session) => Promise<T>): Promise<T>;
  /**
   * Extends the session that made something.
   *
   * @returns Until when that is guaranteed, milliseconds since the epoch.
   * @throws {TallystickError} `upstream_not_found`: it has ended.
   */
  extend(accessor: string, leastMs: number, signal: AbortSignal): Promise<number>;
  close(): void;
}

/** The inputs of {@link createSessions}. */
export interface SessionsOptions {
  readonly name: string;
  readonly login: Login;
  readonly client: VaultClient;
  readonly answers: AnswerReader;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly timers: Timers;
  readonly log: Log;
}

interface Held extends Session {
  expiresAtMs: number;
  /** What it was given at first. */
  readonly fullMs: number;
  /** False where Vault would not, or not to its full time any more. */
  isExtensible: boolean;
  extending: Promise<void> | undefined;
}

const LOGIN_MS = 15_000;
const MIN_WAIT_MS = 1000;

export function createSessions(options: SessionsOptions): Sessions {
  const { name, login, client, answers, clock, timers, log } = options;
  const closed = new AbortController();
  const held = new Map<string, Held>();
  let current: Held | undefined;
  let flight: Promise<Held> | undefined;
  let timer: Timer | undefined;

  const ownSignal = (): AbortSignal => AbortSignal.any([closed.signal, AbortSignal.timeout(LOGIN_MS)]);
  const leftMs = (session: Held): number => session.expiresAtMs - clock.nowMs();

  const take = (given: GivenToken, beganMs: number): Held => {
    if (given.accessor === '') {
      throw new TallystickError(
        'upstream_login_refused',
        `"${name}" gave a batch token, by which no other can be made`,
        {
          remedy: 'set token_type=service on the role of the login',
        },
      );
    }
    const { token, accessor, policies, ttlMs, renewable } = given;
    const expiresAtMs = ttlMs === 0 ? Infinity : beganMs + ttlMs;
    const session: Held = {
      token,
      accessor,
      policies,
      expiresAtMs,
      fullMs: ttlMs,
      isExtensible: renewable,
      extending: undefined,
    };
    for (const [key, other] of held) if (leftMs(other) <= 0) held.delete(key);
    held.set(accessor, session);
    current = session;
    keepFresh(session);
    return session;
  };
  const signIn = (): Promise<Held> => {
    const beganMs = clock.nowMs();
    flight ??= login(ownSignal())
      .then((given) => take(given, beganMs))
      .finally(() => {
        flight = undefined;
      });
    return flight;
  };
  const lose = (session: Held): void => {
    held.delete(session.accessor);
    if (current !== session) return;
    current = undefined;
    timer?.cancel();
  };
  const extendNow = async (session: Held): Promise<void> => {
    const beganMs = clock.nowMs();
    const what = 'auth/token/renew-self';
    try {
      const increment = `${Math.ceil(session.fullMs / 1000)}s`;
      const given = answers.token(
        await client.write(what, { increment }, { token: session.token, signal: ownSignal() }),
        what,
      );
      session.expiresAtMs = beganMs + given.ttlMs;
      // Less than before is all that its greatest age leaves.
      if (given.ttlMs < session.fullMs - MIN_WAIT_MS) session.isExtensible = false;
    } catch (error) {
      if (isDenial(error)) lose(session);
      throw error;
    }
  };
  const extendHeld = (session: Held): Promise<void> => {
    session.extending ??= extendNow(session).finally(() => {
      session.extending = undefined;
    });
    return session.extending;
  };

  /** At two thirds of what is left it is extended, or another one takes its place. */
  const keepFresh = (session: Held): void => {
    timer?.cancel();
    if (closed.signal.aborted || session.expiresAtMs === Infinity) return;
    timer = timers.after(Math.max((leftMs(session) * 2) / 3, MIN_WAIT_MS), () => {
      void refresh(session).catch((error: unknown) => {
        if (closed.signal.aborted) return;
        log.warn('the token for an upstream was not extended', { provider: name, ...errorFields(error) });
        // After its end the next who needs one signs in.
        if (current === session && leftMs(session) > 0) keepFresh(session);
      });
    });
  };
  const refresh = async (session: Held): Promise<void> => {
    if (session.isExtensible) {
      await extendHeld(session);
      keepFresh(session);
    } else await signIn();
  };

  const obtain = async (leastMs: number, signal: AbortSignal): Promise<Held> => {
    signal.throwIfAborted();
    closed.signal.throwIfAborted();
    const session = current;
    if (!session || leftMs(session) <= 0) return unlessAborted(signIn(), signal);
    // A credential that should live longer than a session ever does is no reason to extend that each time.
    const isEnough = (): boolean => leftMs(session) >= Math.min(leastMs, (session.fullMs * 2) / 3);
    if (isEnough()) return session;
    if (session.isExtensible) {
      await unlessAborted(extendHeld(session), signal).catch((error: unknown) => {
        if (!isDenial(error)) throw error;
      });
      if (current === session && isEnough()) return session;
    }
    return unlessAborted(signIn(), signal);
  };
  const isDead = async ({ token }: Held, signal: AbortSignal): Promise<boolean> => {
    try {
      await client.read('auth/token/lookup-self', { token, signal });
      return false;
    } catch (error) {
      return isDenial(error);
    }
  };

  return {
    async use(leastMs, signal, run) {
      const session = await obtain(leastMs, signal);
      try {
        return await run(session);
      } catch (error) {
        if (!isDenial(error) || !(await isDead(session, signal))) throw error;
        lose(session);
        log.info('the token for an upstream has ended, and the sidecar signs in again', { provider: name });
        return run(await obtain(leastMs, signal));
      }
    },
    async extend(accessor, leastMs, signal) {
      const gone = new TallystickError('upstream_not_found', `the session of "${name}" that made it has ended`);
      const session = held.get(accessor);
      if (!session) throw gone;
      if (leftMs(session) >= leastMs || !session.isExtensible) return session.expiresAtMs;
      try {
        await unlessAborted(extendHeld(session), signal);
        return session.expiresAtMs;
      } catch (error) {
        throw isDenial(error) ? gone : error;
      }
    },
    close() {
      closed.abort(new TallystickError('stopping', `"${name}" is let go of`));
      timer?.cancel();
    },
  };
}

function isDenial(error: unknown): boolean {
  return TallystickError.is(error) && error.code === 'upstream_denied';
}
