import { watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';
import type { Timer, Timers } from '@tallystick/core';
import { compareConfigs, restartMistakes, type ConfigChanges } from './changes.ts';
import type { Mistake } from './fault.ts';
import type { LastGood } from './last-good.ts';
import { loadConfig, type LoadedConfig, type LoadOptions } from './load-config.ts';
import type { Refusal } from './open-config.ts';

/** The inputs of {@link watchConfig}. */
export interface WatchOptions extends LoadOptions {
  readonly path: string;
  /** What the sidecar runs by. */
  readonly current: LoadedConfig;
  /** What {@link openConfig} said of the file. */
  readonly refusal: Refusal | undefined;
  readonly lastGood: LastGood;
  readonly timers: Timers;
  /** A new configuration is in force; or the file is good again, and nothing has changed. */
  readonly onConfig: (loaded: LoadedConfig, changes: ConfigChanges) => void;
  /** The file is not used; the last good configuration stays. Called once for each state of the file. */
  readonly onRefused: (mistakes: readonly Mistake[]) => void;
  /** The file was still not good when the time of the copy was over. */
  readonly onExpired: () => void;
  /** The copy in state could not be written; what is in force is not changed by that. */
  readonly onCopyFailed: (error: unknown) => void;
}

/** A configuration that is kept up to date. */
export interface ConfigWatch {
  /** Reads the file now. Resolves when that is done. */
  reload(): Promise<void>;
  /** Stops watching. No callback is called after it. */
  close(): void;
}

/** Lets a writer finish, and the several events of one change become one. */
const SETTLE_MS = 200;
/** For file systems that tell of no changes, and folders that were replaced. */
const POLL_MS = 60_000;

/**
 * Follows a configuration file by its folder: editors and ConfigMaps replace files and links, which a watch of the
 * file itself would miss.
 */
export function watchConfig(options: WatchOptions): ConfigWatch {
  const { path, lastGood, timers, clock } = options;
  let current = options.current;
  let usableUntilMs = options.refusal?.usableUntilMs;
  // What was refused last, to tell of it once; undefined when the file is good.
  let refused = options.refusal && JSON.stringify(options.refusal.mistakes);
  let watcher: FSWatcher | undefined;
  let settling: Timer | undefined;
  let polling: Timer | undefined;
  let expiring: Timer | undefined;
  let queue = Promise.resolve();
  let closed = false;

  const noteCopy = (writing: Promise<void>): Promise<void> =>
    writing.catch((error: unknown) => {
      if (!closed) options.onCopyFailed(error);
    });

  const refuse = async (mistakes: readonly Mistake[], broken: boolean): Promise<void> => {
    const told = JSON.stringify(mistakes);
    if (told === refused) return;
    refused = told;
    options.onRefused(mistakes);
    // What only needs a restart is a good file, and a restart takes it.
    if (broken) await noteCopy(lastGood.refuse());
  };

  const read = async (): Promise<void> => {
    const result = await loadConfig(path, options);
    if (closed) return;
    if (!result.ok) return refuse(result.mistakes, true);
    const { loaded } = result;
    if (loaded.digest === current.digest && refused === undefined) return;
    const changes = compareConfigs(current.config, loaded.config);
    if (changes.needsRestart.length > 0) return refuse(restartMistakes(changes), false);
    current = loaded;
    refused = undefined;
    usableUntilMs = undefined;
    expiring?.cancel();
    options.onConfig(loaded, changes);
    await noteCopy(lastGood.keep(loaded.text));
  };

  const reload = (): Promise<void> => (queue = queue.then(() => (closed ? undefined : read())));

  const arm = (): void => {
    watcher?.close();
    try {
      watcher = watch(dirname(path), { persistent: false }, () => {
        settling ??= timers.after(SETTLE_MS, () => {
          settling = undefined;
          void reload();
        });
      });
      // The folder is gone, or the kernel has no watch left: polling goes on, and tries again.
      watcher.on('error', () => watcher?.close());
    } catch {
      watcher = undefined;
    }
  };

  const poll = (): void => {
    polling = timers.after(POLL_MS, () => {
      arm();
      void reload();
      poll();
    });
  };

  const expire = (): void => {
    if (usableUntilMs === undefined) return;
    expiring = timers.after(usableUntilMs - clock.nowMs(), () => {
      if (usableUntilMs === undefined || closed) return;
      if (clock.nowMs() >= usableUntilMs) options.onExpired();
      else expire();
    });
  };

  arm();
  poll();
  expire();
  return {
    reload,
    close() {
      closed = true;
      watcher?.close();
      for (const timer of [settling, polling, expiring]) timer?.cancel();
    },
  };
}
