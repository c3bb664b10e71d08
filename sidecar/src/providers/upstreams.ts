import { TallystickError } from '@tallystick/core';
import type { Config, CredentialConfig, ProviderConfig } from '../config/config.ts';
import type { GuardedProvider } from './guard/guard.ts';
import type { Provider } from './provider.ts';
import type { UpstreamStatus } from './upstream-status.ts';

/** The upstreams of the present configuration, each opened when a credential is asked of it for the first time. */
export interface Upstreams {
  /** @throws {TallystickError} `upstream_*`, `config_invalid`: it could not be opened. */
  get(name: string): Promise<Provider>;
  /** Returns a credential of the present configuration. */
  credential(name: string): CredentialConfig | undefined;
  /** Runs what asks an upstream, until the sidecar stops. What a single call may take, its guard says. */
  within<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /**
   * Takes a new configuration: an upstream whose settings changed is opened anew. As it was it lives on for what it
   * has made, until {@link Upstreams.closeUnused}.
   *
   * @returns Those that live on as they were.
   */
  apply(next: UpstreamsConfig): ReadonlySet<Provider>;
  /** Lets go of those of earlier configurations that nothing was left of twice. To be called now and then. */
  closeUnused(used: () => ReadonlySet<Provider>): void;
  /** How those of the present configuration are. */
  status(): readonly UpstreamStatus[];
  /** Lets go of all. Never rejects. */
  close(): Promise<void>;
}

/** What of the configuration says which upstreams there are. */
export type UpstreamsConfig = Pick<Config, 'credentials' | 'fleetSize' | 'providers'>;

/** The inputs of {@link createUpstreams}. */
export interface UpstreamsOptions {
  readonly config: UpstreamsConfig;
  readonly open: (config: ProviderConfig) => Promise<Provider>;
  /** Returns an opened provider as it may be asked by anybody. */
  readonly guard: (name: string, provider: Provider, fleetSize: () => number) => GuardedProvider;
}

interface Opened {
  readonly settings: string;
  readonly provider: Promise<GuardedProvider>;
  /** Undefined until it is open. */
  guarded?: GuardedProvider;
  /** That nothing was left of it when that was asked last. */
  unused: boolean;
}

export function createUpstreams(options: UpstreamsOptions): Upstreams {
  const { open, guard } = options;
  let current = options.config;
  const fleetSize = (): number => current.fleetSize;
  const opened = new Map<string, Opened>();
  const earlier = new Set<Opened>();
  const stopped = new AbortController();

  const letGo = async ({ provider }: Opened): Promise<void> => {
    await provider.then(
      (one) => one.close(),
      () => {},
    );
  };

  return {
    async get(name) {
      const config = current.providers.get(name);
      if (!config) throw new TallystickError('upstream_unavailable', `"${name}" is not configured any more`);
      let entry = opened.get(name);
      if (!entry) {
        const provider = open(config).then((one) => guard(name, one, fleetSize));
        const own: Opened = (entry = { settings: settingsOf(config), provider, unused: false });
        opened.set(name, own);
        provider.then(
          (one) => (own.guarded = one),
          // What could not be opened is tried again by the next who asks.
          () => {
            earlier.delete(own);
            if (opened.get(name) === own) opened.delete(name);
          },
        );
      }
      return entry.provider;
    },
    credential: (name) => current.credentials.get(name),
    within: (run) => run(stopped.signal),
    apply(next) {
      current = next;
      for (const [name, entry] of opened) {
        const config = next.providers.get(name);
        if (config && settingsOf(config) === entry.settings) continue;
        opened.delete(name);
        earlier.add(entry);
      }
      return new Set(Array.from(earlier, ({ guarded }) => guarded).filter((guarded) => guarded !== undefined));
    },
    closeUnused(used) {
      if (earlier.size === 0) return;
      const inUse = used();
      for (const entry of earlier) {
        const { guarded } = entry;
        const wasUnused = entry.unused;
        entry.unused = guarded !== undefined && !inUse.has(guarded) && guarded.status().calls === 0;
        // Twice: what was made just now may be on its way to its lease.
        if (!entry.unused || !wasUnused) continue;
        earlier.delete(entry);
        void letGo(entry);
      }
    },
    status: () =>
      Array.from(current.providers.values(), ({ name, kind }) => {
        const status = opened.get(name)?.guarded?.status() ?? NOT_ASKED;
        return { name, type: kind.type, ...status };
      }),
    async close() {
      stopped.abort(new TallystickError('stopping', 'the sidecar stops'));
      await Promise.all([...opened.values(), ...earlier].map(letGo));
    },
  };
}

const NOT_ASKED: Omit<UpstreamStatus, 'name' | 'type'> = {
  reachable: undefined,
  breaker: 'closed',
  successAgeMs: undefined,
  lastError: undefined,
  troubleAgeMs: undefined,
  servesMs: undefined,
  calls: 0,
};

/** Returns the text that is equal for equal settings. What `kind` can do is no data, and the same for all of a type. */
export function settingsOf({ kind, settings }: ProviderConfig): string {
  return JSON.stringify([kind.type, settings]);
}
