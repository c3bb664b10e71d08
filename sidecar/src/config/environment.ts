import { resolve } from 'node:path';
import { CREDENTIAL_VARIABLES } from './ways-round.ts';
import { readTelemetryEnvironment, type TelemetryEnvironment } from './telemetry-environment.ts';

/** What the sidecar and its command take from environment variables: paths and endpoints, and nothing else. */
export interface Environment {
  /** Absolute path of the configuration: `TALLYSTICK_CONFIG`, else `tallystick.yaml` in the working folder. */
  readonly configPath: string;
  readonly telemetry: TelemetryEnvironment;
  /** Where a supervisor waits to be told of readiness (sd_notify); undefined without one. */
  readonly notifySocket: string | undefined;
  /** The user's folder for sockets (`XDG_RUNTIME_DIR`); undefined where there is none. */
  readonly runtimeFolder: string | undefined;
  /** The user's folder for state (`XDG_STATE_HOME`, else below `HOME`); undefined where there is none. */
  readonly stateFolder: string | undefined;
  /** The user's folder (`HOME`); undefined where there is none. */
  readonly home: string | undefined;
  /** Names of the variables from which a program here gets credentials without the sidecar. */
  readonly otherCredentials: readonly string[];
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Returns what the variables say. Empty ones count as unset. */
export function readEnvironment(variables: Variables, workingFolder: string): Environment {
  const get = (name: string): string | undefined => variables[name] || undefined;
  const home = get('HOME');
  return {
    configPath: resolve(workingFolder, get('TALLYSTICK_CONFIG') ?? 'tallystick.yaml'),
    telemetry: readTelemetryEnvironment(get),
    notifySocket: get('NOTIFY_SOCKET'),
    runtimeFolder: get('XDG_RUNTIME_DIR'),
    home,
    otherCredentials: CREDENTIAL_VARIABLES.filter((name) => get(name) !== undefined),
    stateFolder: get('XDG_STATE_HOME') ?? (home === undefined ? undefined : `${home}/.local/state`),
  };
}

/** Returns what this process was started with. */
export function processEnvironment(): Environment {
  return readEnvironment(process.env, process.cwd());
}

/**
 * Gives libuv's pool two threads, unless the operator chose: they write the record and check signatures. Of four nearly
 * every job has to wake one that sleeps, which costs as much as the job; of two, one is usually awake. It counts until
 * the pool is first used.
 */
export function sizeThreadPool(): void {
  process.env.UV_THREADPOOL_SIZE ??= '2';
}
