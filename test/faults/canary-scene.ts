import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { command, tallystick } from '../daemon/command.ts';
import { TALLYSTICK, type Daemon } from '../daemon/daemon.ts';
import type { OtlpCollector, OtlpSignal } from '../daemon/otlp-collector.ts';
import { FROM_SOURCES } from '../daemon/program.ts';
import type { Canary, Place } from './leaks.ts';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const TELL_SECRETS = at('programs/tell-secrets.ts');
const REGISTER = at('../../packages/register/src/index.ts');
/** Where alone, in the folder of a sidecar, its own private keys lie. */
export const KEYS = 'state/keys/';

/** For what follows by itself, on a machine that does much else. */
export const PATIENCE = { timeout: 30_000, interval: 100 };

/** The parts of a scene in which canaries are hunted, and all that was seen of them. */
export interface CanaryScene {
  /** The sidecar that runs now. */
  daemon: Daemon;
  readonly places: Place[];
  readonly canaries: Canary[];
}

/**
 * The command of a sidecar that tells the test its secrets. It is instrumented, as by an operator that has every Node of a
 * cluster so.
 */
export const TELLING_SIDECAR = [
  process.execPath,
  '--import',
  TELL_SECRETS,
  '--import',
  REGISTER,
  ...TALLYSTICK,
] as const;

/** Returns the command of a program of the tests that is instrumented, and tells the test its secrets. */
export function tellingProgram(program: string, ...args: string[]) {
  const imports = ['--import', TELL_SECRETS, '--import', REGISTER];
  return [process.execPath, ...FROM_SOURCES, ...imports, at(`programs/${program}`), ...args] as const;
}

/** Returns what makes a program send telemetry to the collector, at once, and say what it does. */
export function telemetryTo({ endpoint }: OtlpCollector, name: string): Record<string, string> {
  return {
    OTEL_SERVICE_NAME: name,
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_BSP_SCHEDULE_DELAY: '100',
    OTEL_LOG_LEVEL: 'debug',
  };
}

/** Notes what the kernel shows of a process that runs. */
export function noticeProcess({ places }: CanaryScene, who: string, pid: number): void {
  for (const name of ['cmdline', 'environ']) {
    places.push({ name: `${name} of the ${who}`, content: readFileSync(`/proc/${pid}/${name}`) });
  }
}

/** Notes all that a process has written. */
export function noticeOutput({ places }: CanaryScene, who: string, process: { output(): string }): void {
  places.push({ name: `output of the ${who}`, content: Buffer.from(process.output()) });
}

/** Notes what a program told of the secrets that it made. */
export function noticeMade({ canaries }: CanaryScene, who: string, told: readonly string[]): void {
  for (const line of told) {
    const { kind, hex } = JSON.parse(line) as { kind: string; hex?: string };
    if (hex !== undefined) canaries.push({ name: `${kind} of the ${who}`, bytes: Buffer.from(hex, 'hex') });
  }
}

/** Notes what a collector was sent. */
export function noticeTelemetry({ places }: CanaryScene, collector: OtlpCollector): void {
  const signals: readonly OtlpSignal[] = ['traces', 'metrics', 'logs'];
  for (const signal of signals) {
    places.push(...collector.bodies(signal).map((content, i) => ({ name: `${signal} ${i}`, content })));
  }
}

/** Runs commands of an operator, each for people and for programs, and notes what they print. */
export async function operate(
  { places, daemon }: CanaryScene,
  commands: readonly (readonly string[])[],
): Promise<void> {
  const runs = commands.flatMap((args) => (args.includes('--json') ? [args] : [args, [...args, '--json']]));
  await Promise.all(
    runs.map(async (args) => {
      const { stdout, stderr } = await command(daemon, ...args);
      places.push({ name: `tallystick ${args.join(' ')}`, content: Buffer.from(stdout + stderr) });
    }),
  );
}

/** Looks for a secret that has leaked, as an operator would, and notes what that prints. */
export async function findLeaked({ places, daemon }: CanaryScene, secret: string): Promise<void> {
  for (const args of [[], ['--json']]) {
    const find = ['audit', 'find', '--secret-stdin', '--config', daemon.config, ...args];
    // A record can be read when it is published, within a second.
    await expect
      .poll(async () => {
        const { status, stdout, stderr } = await tallystick(find, { input: `${secret}\n` });
        places.push({ name: `tallystick audit find ${args.join(' ')}`, content: Buffer.from(stdout + stderr) });
        return status;
      }, PATIENCE)
      .toBe(0);
  }
}

/** Asks what the read-only listeners tell everybody. */
export async function askAround({ places, daemon }: CanaryScene): Promise<void> {
  const urls = [
    ...['/metrics', '/readyz', '/livez', '/startupz'].map((path) => daemon.healthUrl + path),
    ...['/jwks', '/revocations', '/.well-known/oauth-authorization-server'].map((path) => daemon.publicUrl + path),
  ];
  for (const url of urls) {
    const response = await fetch(url);
    const content = Buffer.from(`${JSON.stringify([...response.headers])}${await response.text()}`);
    places.push({ name: url, content });
  }
}

/** Returns those kinds of place of which nothing was seen. */
export function unseen({ places }: CanaryScene, patterns: readonly RegExp[]): RegExp[] {
  return patterns.filter((pattern) => !places.some(({ name, content }) => pattern.test(name) && content.length > 0));
}
