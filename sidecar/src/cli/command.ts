import { resolve } from 'node:path';
import type { Clock } from '@tallystick/core';
import type { Environment } from '../config/environment.ts';

/** What a command ends with. Part of the public contract. */
export const EXIT = {
  ok: 0,
  /** The thing asked about is not as it should be: a configuration with mistakes, a sidecar that is not ready. */
  notOk: 1,
  /** The command line is wrong. */
  usage: 2,
  /** No sidecar answers at the admin socket. */
  unreachable: 3,
  /** The sidecar refused what was asked. */
  refused: 4,
  /** A defect of this program. */
  internal: 5,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** One option of a command, as `node:util` parses it. */
export interface OptionShape {
  readonly type: 'string' | 'boolean';
  /** What its value is, for the help: `FILE`. */
  readonly value?: string;
  readonly doc: string;
}

export type OptionShapes = Readonly<Record<string, OptionShape>>;

/** What was given for each option; undefined where nothing was. */
export type OptionValues<O extends OptionShapes> = {
  readonly [K in keyof O]: (O[K]['type'] extends 'string' ? string : boolean) | undefined;
};

/** Where a command prints. */
export interface Output {
  write(text: string): unknown;
  /** Columns of the terminal; undefined where it is none. */
  readonly columns?: number | undefined;
}

/** One call of a command. */
export interface Invocation<O extends OptionShapes> {
  readonly options: OptionValues<O>;
  /** What follows the command's name and is no option. */
  readonly positionals: readonly string[];
  /** What is piped in. Opened when it is asked for: most commands read nothing. */
  readonly stdin: () => AsyncIterable<Uint8Array>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly environment: Environment;
  readonly clock: Clock;
}

/** A command of `tallystick`. One file each, loaded alone. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands: lower case, no full stop. */
  readonly summary: string;
  /** Its positionals, for the help, such as `list | suspend ID`; empty: it takes none. */
  readonly operands: string;
  readonly options: OptionShapes;
  /** @throws {UsageError} The command line is wrong. */
  run(invocation: Invocation<OptionShapes>): Promise<ExitCode>;
}

/** Returns a command whose `run` knows the types of its options. */
export function defineCommand<const O extends OptionShapes>(
  definition: Omit<Command, 'options' | 'run' | 'operands'> & {
    readonly operands?: string;
    readonly options: O;
    run(invocation: Invocation<O>): Promise<ExitCode>;
  },
): Command {
  return { operands: '', ...definition } as Command;
}

/** That the command line is wrong. The message says how. */
export class UsageError extends Error {}

/** `--config`, for every command that reads the configuration. */
export const CONFIG_OPTION = {
  config: { type: 'string', value: 'FILE', doc: 'the configuration; else TALLYSTICK_CONFIG, else ./tallystick.yaml' },
} as const satisfies OptionShapes;

/** `--json`, for every command that prints something. */
export const JSON_OPTION = {
  json: { type: 'boolean', doc: 'print one JSON value' },
} as const satisfies OptionShapes;

/** Returns the absolute path of the configuration that a command is about. */
export function configPathOf(invocation: Invocation<typeof CONFIG_OPTION>): string {
  const { options, environment } = invocation;
  return options.config === undefined ? environment.configPath : resolve(options.config);
}
