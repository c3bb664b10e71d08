import { systemClock, systemRandom, systemTimers, ulid } from '@tallystick/core';
import type { OwnSecrets } from '../../src/providers/own-secrets.ts';
import type { ProviderContext } from '../../src/providers/provider.ts';
import { memoryLog } from '../memory-log.ts';

/** What a provider is opened with in its contract, and what it does with that. */
export interface ContractContext extends ProviderContext {
  runningTimers(): number;
  lines(): readonly unknown[];
}

/** Of a provider that signs in with no secret of another. */
export const noSecrets: OwnSecrets = {
  read: () => Promise.reject(new Error('this provider was to read no secret')),
  refused() {},
};

/** @param subject Signs, where the provider needs it. */
export function contractContext({ sign }: { readonly sign?: ProviderContext['sign'] }): ContractContext {
  const running = new Set<object>();
  const log = memoryLog();
  let memory: unknown;
  return {
    name: 'upstream',
    trustDomain: 'acme.example',
    sidecarId: ulid(systemClock, systemRandom),
    clock: systemClock,
    timers: {
      after(delayMs, callback) {
        const timer = systemTimers.after(delayMs, () => {
          running.delete(timer);
          callback();
        });
        running.add(timer);
        return {
          cancel() {
            running.delete(timer);
            timer.cancel();
          },
        };
      },
    },
    random: systemRandom,
    log,
    sign: sign ?? (() => Promise.reject(new Error('this provider was to sign nothing'))),
    ownSecrets: noSecrets,
    memory: {
      read: async () => memory,
      write: async (value) => {
        memory = structuredClone(value);
      },
    },
    runningTimers: () => running.size,
    lines: () => log.lines,
  };
}
