import { leaseId, TallystickError, type Clock, type IdentityObject, type Random, type Timers } from '@tallystick/core';
import type { CredentialConfig } from '../config/config.ts';
import { withDeadline } from './guard/with-deadline.ts';
import { OwnSecretMissing } from './own-secret-missing.ts';
import type { MintOrder } from './provider.ts';
import type { Upstreams } from './upstreams.ts';

/** The secrets that the sidecar itself signs in with at one upstream, and that another one, a vault, has. */
export interface OwnSecrets {
  /**
   * Returns one value of the secret that a credential names. From half of its lifetime on it is read anew when it is used,
   * and it serves to its end while the upstream that has it is away.
   *
   * @throws {OwnSecretMissing} `upstream_*`: it is not to be had, or not within 10 s. The reason of `signal`.
   */
  read(credential: string, value: string, signal: AbortSignal): Promise<string>;
  /** That what a credential gave was refused where it was shown: it is read anew when it is asked for again. */
  refused(credential: string): void;
}

/** The inputs of {@link createOwnSecrets}. */
export interface OwnSecretsOptions {
  readonly upstreams: () => Pick<Upstreams, 'credential' | 'get' | 'within'>;
  /** SPIFFE ID of the sidecar. */
  readonly subject: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
}

/** Less than who waits for it has time: what is slow here is not to be blamed on the upstream that is to be asked. */
const READ_DEADLINE_MS = 10_000;

interface Kept {
  /** What it was read by. */
  readonly source: string;
  readonly values: Readonly<Record<string, string>>;
  /** Monotonic, as its end is: a clock that is set back would have it served on. */
  readonly freshUntilMs: number;
  readonly expiresAtMs: number;
}

export function createOwnSecrets({ upstreams, subject, clock, timers, random }: OwnSecretsOptions): OwnSecrets {
  const kept = new Map<string, Kept>();
  const flights = new Map<string, Promise<Kept>>();
  const identity = ownIdentity(subject);

  const ask = async (config: CredentialConfig): Promise<Kept> => {
    const provider = await upstreams().get(config.provider);
    const nowMs = clock.monotonicMs();
    const { material, expiresAtMs } = await upstreams().within((signal) =>
      provider.mint({
        leaseId: leaseId(clock, random),
        name: config.name,
        wanted: config.wanted,
        scope: [],
        lifetimeMs: config.lifetimeMs,
        identity,
        process: undefined,
        applicant: NOBODY,
        keep: refuseLease,
        signal,
      }),
    );
    const values = (material as { readonly values?: Kept['values'] }).values ?? {};
    const endMs = clock.monotonicMs() + expiresAtMs - clock.nowMs();
    return { source: sourceOf(config), values, freshUntilMs: (nowMs + endMs) / 2, expiresAtMs: endMs };
  };
  /** One reading at a time, for however many wait. */
  const readAnew = (config: CredentialConfig): Promise<Kept> => {
    const source = sourceOf(config);
    const under = flights.get(source);
    if (under) return under;
    const flight = ask(config)
      .then((read) => {
        kept.set(config.name, read);
        return read;
      })
      .finally(() => flights.delete(source));
    flights.set(source, flight);
    return flight;
  };
  /** In the background: who asks is served what is there. */
  const refresh = (config: CredentialConfig, held: Kept): void => {
    readAnew(config).catch((error: unknown) => {
      // It was taken from us, which is more than that its upstream is away.
      const isTaken = !TallystickError.is(error) || !error.retryable;
      if (isTaken && kept.get(config.name) === held) kept.delete(config.name);
    });
  };
  const current = (config: CredentialConfig): Kept | Promise<Kept> => {
    const held = kept.get(config.name);
    const nowMs = clock.monotonicMs();
    if (held?.source !== sourceOf(config) || nowMs >= held.expiresAtMs) return readAnew(config);
    if (nowMs >= held.freshUntilMs) refresh(config, held);
    return held;
  };
  const inTime = async (config: CredentialConfig, signal: AbortSignal): Promise<Kept> => {
    const held = current(config);
    if (!(held instanceof Promise)) return held;
    const limit = withDeadline({ name: config.provider, timers, deadlineMs: READ_DEADLINE_MS, stop: signal });
    try {
      return await limit.race(held);
    } catch (error) {
      throw TallystickError.is(error) && !signal.aborted ? OwnSecretMissing.of(error) : error;
    } finally {
      limit.over();
    }
  };

  return {
    async read(name, value, signal) {
      const config = upstreams().credential(name);
      if (!config)
        throw new OwnSecretMissing('upstream_login_refused', `the credential "${name}" is not there any more`);
      const { values } = await inTime(config, signal);
      const found = Object.hasOwn(values, value) ? values[value] : undefined;
      if (found !== undefined && found !== '') return found;
      throw new OwnSecretMissing(
        'upstream_login_refused',
        `the secret of "${name}" has no value under the name configured`,
        {
          remedy: `write a value under that name into the secret of "${name}", or correct "value"`,
        },
      );
    },
    refused: (name) => void kept.delete(name),
  };
}

/** No workload is behind it. */
const NOBODY: MintOrder['applicant'] = { jkt: '' };

/** What ends by itself needs no keeping; what has a lease would have to be ended by somebody. */
async function refuseLease(): Promise<never> {
  throw new TallystickError('upstream_login_refused', 'the secret to sign in with has a lease', {
    remedy: 'name a secret that is stored, such as one of the engine kv',
  });
}

/** Another configuration of the same name is another secret. */
function sourceOf({ name, provider, wanted }: CredentialConfig): string {
  return JSON.stringify([name, provider, wanted]);
}

/** The sidecar, as the one that a secret is read for. */
function ownIdentity(id: string): IdentityObject {
  return {
    id,
    kind: 'workload',
    owner: { id: 'tallystick', kind: 'role', accountable: null, backup: null },
    purpose: 'signs in to upstreams',
    environment: 'sidecar',
    businessProcesses: [],
    expires: '9999-12-31',
    match: [],
    revocable: 'exp',
    receives: [],
    entitlements: [],
  };
}
