import { TallystickError, type Clock, type Timers } from '@tallystick/core';
import { readAwsCredentials, type AwsKeys } from '../../config/aws-credentials.ts';
import { unlessAborted } from '../unless-aborted.ts';
import type { AwsSession } from './session.ts';

/** The keys that the sidecar itself signs with. */
export interface Login {
  /** @throws {TallystickError} `upstream_*`; the reason of `signal`. */
  keys(signal: AbortSignal): Promise<AwsKeys>;
  /** Gives up keys that AWS has refused something to: they may have been revoked. */
  forget(keys: AwsKeys): void;
}

/** Returns a login by a file in the format of AWS's own tools. It is read anew each time, because its keys are replaced. */
export function fileLogin(name: string, path: string, profile: string): Login {
  return {
    async keys() {
      const file = await readAwsCredentials(path, profile);
      if (file.ok) return file.credentials;
      throw new TallystickError('upstream_login_refused', `"auth.path" of "${name}" ${file.message}`, {
        remedy: file.remedy,
      });
    },
    forget: () => {},
  };
}

/** A session is replaced when less is left. */
const MIN_LEFT_MS = 300_000;
/** For the whole of one login, however many wait for it. */
const DEADLINE_MS = 15_000;

/** The inputs of {@link roleLogin}. */
export interface RoleLoginOptions {
  readonly assume: (signal: AbortSignal) => Promise<AwsSession>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly timers: Timers;
}

/** Returns a login by a session of a role, which is shared by all who need it, and replaced ahead of its end. */
export function roleLogin({ assume, clock, timers }: RoleLoginOptions): Login {
  let held: AwsSession | undefined;
  let flight: Promise<AwsSession> | undefined;

  const start = (): Promise<AwsSession> => {
    const deadline = new AbortController();
    const timer = timers.after(DEADLINE_MS, () =>
      deadline.abort(new TallystickError('upstream_unavailable', 'the login takes too long')),
    );
    const begun = assume(deadline.signal).finally(() => {
      timer.cancel();
      flight = undefined;
    });
    flight = begun;
    begun.then(
      (session) => {
        held = session;
      },
      // Said to those who wait for it, and there may be none any more.
      () => {},
    );
    return begun;
  };

  return {
    async keys(signal) {
      signal.throwIfAborted();
      if (held && held.expiresAtMs - clock.nowMs() > MIN_LEFT_MS) return held.keys;
      const { keys } = await unlessAborted(flight ?? start(), signal);
      return keys;
    },
    forget(keys) {
      if (held?.keys === keys) held = undefined;
    },
  };
}
