import type { Provider } from './provider.ts';
import type { ProviderConfig } from '../config/config.ts';

/** The upstreams of the present configuration, each opened when a credential is asked of it for the first time. */
export interface Upstreams {
  /** @throws {TallystickError} `upstream_*`, `config_invalid`: it could not be opened. */
  get(name: string): Promise<Provider>;
  /** Runs what asks an upstream, until its deadline, or until the sidecar stops. */
  within<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Takes a new configuration: an upstream whose settings changed is opened anew, and let go of as it was. */
  apply(providers: ReadonlyMap<string, ProviderConfig>): void;
  /** Lets go of all. Never rejects. */
  close(): Promise<void>;
}

/** The inputs of {@link createUpstreams}. */
export interface UpstreamsOptions {
  readonly providers: ReadonlyMap<string, ProviderConfig>;
  readonly open: (config: ProviderConfig) => Promise<Provider>;
}

/** What one call upstream may take, all its rounds together. */
const DEADLINE_MS = 20_000;

export function createUpstreams(options: UpstreamsOptions): Upstreams {
  const { open } = options;
  let configs = options.providers;
  const opened = new Map<string, { readonly config: ProviderConfig; readonly provider: Promise<Provider> }>();
  const stopped = new AbortController();

  const letGo = async (provider: Promise<Provider>): Promise<void> => {
    await provider.then(
      (one) => one.close(),
      () => {},
    );
  };

  return {
    get(name) {
      const config = configs.get(name);
      if (!config) throw new TypeError('a credential names a provider that the configuration lacks');
      let entry = opened.get(name);
      if (!entry) {
        entry = { config, provider: open(config) };
        opened.set(name, entry);
        // What could not be opened is tried again by the next who asks.
        entry.provider.catch(() => opened.delete(name));
      }
      return entry.provider;
    },
    within: (run) => run(AbortSignal.any([stopped.signal, AbortSignal.timeout(DEADLINE_MS)])),
    apply(next) {
      configs = next;
      for (const [name, { config, provider }] of opened) {
        const now = next.get(name);
        if (now && JSON.stringify(now) === JSON.stringify(config)) continue;
        opened.delete(name);
        void letGo(provider);
      }
    },
    async close() {
      stopped.abort();
      await Promise.all(Array.from(opened.values(), ({ provider }) => letGo(provider)));
    },
  };
}
