import { systemClock, systemRandom, systemTimers, TallystickError, type Clock } from '@tallystick/core';
import type { Difference } from './config/changes.ts';
import type { HttpListener } from './config/config.ts';
import type { Environment } from './config/environment.ts';
import type { Mistake } from './config/fault.ts';
import { createLastGood } from './config/last-good.ts';
import { openConfig } from './config/open-config.ts';
import { watchConfig, type ConfigWatch } from './config/watch-config.ts';
import { createLog, errorFields, type Log, type LogFields, type LogLevel } from './observe/log.ts';
import { createNotify } from './observe/notify.ts';
import { startTelemetry, type StartedTelemetry } from './observe/start-telemetry.ts';
import { openSidecar } from './open-sidecar.ts';
import { journalThreads } from './record/journal-threads.ts';
import type { Operator } from './record/record.ts';
import { createListeners } from './serve.ts';
import { VERSION } from './version.ts';

/** What the daemon is started with. */
export interface RunOptions {
  readonly configPath: string;
  readonly environment: Environment;
  /** Takes whole lines of the log. */
  readonly writeLog: (line: string) => void;
  readonly logLevel: LogLevel;
  /** Who begins a new incarnation of the log; undefined: it goes on. */
  readonly newIncarnation?: Operator | undefined;
}

/** A daemon that serves. */
export interface Daemon {
  /** Reads the configuration now. */
  reload(): Promise<void>;
  /**
   * Stops gracefully. May be called again; resolves when all is closed, or when that has taken too long: `stuck` in a
   * disk that hangs, which only a signal ends.
   */
  stop(cause: string): Promise<'closed' | 'stuck'>;
  /** Resolves when it has stopped by itself, because it may not go on: the exit code. */
  readonly ended: Promise<1>;
}

/** That the configuration cannot be used, with every mistake in it. */
export class ConfigInvalidError extends TallystickError {
  readonly mistakes: readonly Mistake[];

  constructor(path: string, mistakes: readonly Mistake[]) {
    super('config_invalid', `"${path}" has ${mistakes.length} mistake${mistakes.length === 1 ? '' : 's'}`);
    this.mistakes = mistakes;
  }
}

/** In a stop, requests in flight have this long; the shares after it go to revocations and telemetry. */
const DRAIN_MS = 3000;
const TELEMETRY_FLUSH_MS = 1000;
/** What all of a stop may take: a disk that hangs must not hold up the restart that may find another. */
const STOP_MS = 8000;

/**
 * Starts the daemon: configuration, telemetry, state, sockets, and what watches them. When it resolves, the sockets serve and the
 * start is on record.
 *
 * @throws {TallystickError} Why it cannot start.
 */
export async function startDaemon(options: RunOptions): Promise<Daemon> {
  // At once: a thread takes as long to start as the configuration to be read.
  const journal = journalThreads();
  const clock: Clock = systemClock;
  const timers = systemTimers;
  const random = systemRandom;
  const log = createLog({ write: options.writeLog, clock, level: options.logLevel });
  const loadOptions = { clock, sidecarUid: process.geteuid?.() };

  const opened = await openConfig(options.configPath, loadOptions);
  if (!opened.ok) throw new ConfigInvalidError(options.configPath, opened.mistakes);
  const { loaded, refusal } = opened;
  const { config } = loaded;
  for (const warning of loaded.warnings)
    log.warn(warning.message, { code: warning.code, path: warning.path, remedy: warning.remedy });

  const notify = createNotify(options.environment.notifySocket);
  const ended = Promise.withResolvers<1>();
  let started: StartedTelemetry | undefined;
  // Set once there is something to stop; until then a failure is thrown by the start itself.
  let stop: (cause: string) => Promise<unknown> = async () => {};
  const end = (cause: string): Promise<void> => stop(cause).then(() => ended.resolve(1));

  const { sidecar, recorder, close } = await openSidecar({
    config,
    clock,
    timers,
    random,
    log,
    journal: journal.open,
    prepareJournal: journal.prepare,
    disk: { clock, timers },
    heartbeat: true,
    anchored: true,
    newIncarnation: options.newIncarnation,
    async telemetry(sidecarId) {
      const { trustDomain } = config;
      const environment = options.environment.telemetry;
      started = await startTelemetry({ environment, sidecarId, trustDomain, clock, timers, random, log });
      return started.telemetry;
    },
    onRecordFailure: () => void end('record_failed'),
  });
  try {
    const listeners = createListeners({
      config,
      sidecar,
      timers,
      refused: (reason, peer) => sidecar.refused(reason, peer),
      failed: (error) => log.error('a connection or request failed', errorFields(error)),
    });

    const lastGood = createLastGood(config.state.leases, clock);
    if (refusal) {
      logMistakes(log, 'the configuration is broken; the last good one is used', refusal.mistakes, {
        until: new Date(refusal.usableUntilMs).toISOString(),
      });
    }
    // All of it durable before a socket appears, and made durable together.
    await Promise.all([
      sidecar.lifecycle.started(),
      sidecar.lifecycle.configLoaded(refusal ? 'last-good' : 'file', loaded.digest),
      refusal ? lastGood.refuse() : lastGood.keep(loaded.text),
    ]);
    const { visible } = await listeners.start();
    if (!visible) log.warn('processes cannot be told apart here: assurance is "socket" for every workload');

    const watch: ConfigWatch = watchConfig({
      ...loadOptions,
      path: options.configPath,
      current: loaded,
      refusal,
      lastGood,
      timers,
      onConfig: ({ config: next, digest }, changes) => {
        log.info('configuration loaded', {
          identities: next.identities.length,
          ...countsOf('identities', changes.identities),
          credentials: next.credentials.size,
          ...countsOf('credentials', changes.credentials),
          sha256: digest,
        });
        void sidecar
          .apply(next)
          .then(() => sidecar.lifecycle.configLoaded('file', digest))
          .catch((error: unknown) =>
            log.error('the new configuration is in force, but not on record', errorFields(error)),
          );
      },
      onRefused: (mistakes) => {
        logMistakes(log, 'the new configuration is refused; the last good one stays', mistakes);
        sidecar.lifecycle.configRefused(mistakes.length).catch((error: unknown) => {
          log.error('a refused configuration is not on record', errorFields(error));
        });
      },
      onExpired: () => {
        log.error('the configuration has been broken for a day: the sidecar ends');
        void end('config_expired');
      },
      onCopyFailed: (error) => log.error('the copy of the configuration could not be written', errorFields(error)),
    });
    sidecar.serve();
    notify('READY=1');
    log.info('serving', {
      version: VERSION,
      pid: process.pid,
      identities: config.identities.length,
      sockets: config.listen.workload.map(({ path }) => path).join(' '),
      admin: config.listen.admin,
      public: urlOf(config.listen.public),
      health: urlOf(config.listen.health),
      record: recorder.origin,
      records: recorder.status().size,
      published: recorder.status().published?.size ?? 0,
      durability: recorder.status().durability,
      rollback: recorder.status().anchoring.rollback,
    });

    let stopped: Promise<'closed' | 'stuck'> | undefined;
    const finish = async (cause: string): Promise<'closed' | 'stuck'> => {
      notify('STOPPING=1');
      log.info('stopping', { cause });
      watch.close();
      await listeners.stop(DRAIN_MS);
      await sidecar.stop();
      await sidecar.lifecycle.stopped(cause).catch((error: unknown) => {
        log.error('the stop is not on record', errorFields(error));
      });
      await close();
      await started?.stop(TELEMETRY_FLUSH_MS);
      log.info('stopped', { cause });
      return recorder.isStuck() ? 'stuck' : 'closed';
    };
    const stopOnce = (cause: string): Promise<'closed' | 'stuck'> => {
      const late = Promise.withResolvers<'stuck'>();
      timers.after(STOP_MS, () => {
        log.error('the stop takes too long: the sidecar is ended', { cause });
        late.resolve('stuck');
      });
      return (stopped ??= Promise.race([finish(cause), late.promise]));
    };
    stop = stopOnce;
    return { reload: () => watch.reload(), stop: stopOnce, ended: ended.promise };
  } catch (error) {
    await close();
    throw error;
  }
}

function urlOf(listener: HttpListener | undefined): string | undefined {
  if (!listener) return undefined;
  const { host, port, tls } = listener;
  return `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function countsOf(what: string, { added, removed, changed }: Difference): LogFields {
  return { [`${what}_added`]: added.length, [`${what}_removed`]: removed.length, [`${what}_changed`]: changed.length };
}

function logMistakes(log: Log, message: string, mistakes: readonly Mistake[], fields: LogFields = {}): void {
  log.error(message, { mistakes: mistakes.length, ...fields });
  for (const { line, column, path, message: mistake, remedy } of mistakes.slice(0, 20)) {
    log.error(mistake, { line, column, path, remedy });
  }
}
