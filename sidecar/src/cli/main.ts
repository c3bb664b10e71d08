import { parseArgs } from 'node:util';
import { didYouMean, type ErrorCode, printable, systemClock, TallystickError } from '@tallystick/core';
import { processEnvironment, sizeThreadPool, type Environment } from '../config/environment.ts';
import { faultOf } from '../observe/fault.ts';
import { VERSION } from '../version.ts';
import { COMMANDS } from './catalog.ts';
import {
  EXIT,
  UsageError,
  type Command,
  type ExitCode,
  type OptionShapes,
  type OptionValues,
  type Output,
} from './command.ts';
import { commandHelp, overview } from './help.ts';

/** What the command line is run with. */
export interface Terminal {
  /** Without the program's own name. */
  readonly argv: readonly string[];
  readonly stdin: () => AsyncIterable<Uint8Array>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly environment: Environment;
  /** As `process.versions.node` has it. */
  readonly nodeVersion: string;
}

/** The oldest Node that this runs on: "engines" of package.json, which only package managers read. */
const OLDEST_NODE = [22, 19] as const;

/** Runs the command that `argv` names, and returns the exit code. Never throws. */
export async function main({ argv, stdin, stdout, stderr, environment, nodeVersion }: Terminal): Promise<ExitCode> {
  const [name = 'help', ...rest] = argv;
  if (isOlder(nodeVersion)) {
    const oldest = OLDEST_NODE.join('.');
    stderr.write(`tallystick: this is Node ${nodeVersion}\n  run it by Node ${oldest} or later\n`);
    return EXIT.notOk;
  }
  try {
    if (name === 'help' || name === '--help' || name === '-h') {
      stdout.write(await overview(COMMANDS));
      return argv.length === 0 ? EXIT.usage : EXIT.ok;
    }
    if (name === '--version') {
      stdout.write(`${VERSION}\n`);
      return EXIT.ok;
    }
    const group = Object.entries(COMMANDS).filter(([each]) => each.startsWith(`${name} `));
    if (group.length > 0 && (rest[0] === '--help' || rest[0] === '-h')) {
      stdout.write(await overview(Object.fromEntries(group)));
      return EXIT.ok;
    }
    const { command, args } = await loadCommand(name, rest);
    const { values, positionals } = readArguments(command, args);
    if (values.help === true) {
      stdout.write(commandHelp(command));
      return EXIT.ok;
    }
    if (command.operands === '' && positionals.length > 0) {
      throw new UsageError(`"${command.name}" takes no "${printable(positionals[0]!)}"`);
    }
    const options = values as OptionValues<OptionShapes>;
    return await command.run({ options, positionals, stdin, stdout, stderr, environment, clock: systemClock });
  } catch (error) {
    return explainFailure(error, stderr);
  }
}

/** Runs the command line of this process. */
export function mainOfProcess(): Promise<ExitCode> {
  sizeThreadPool();
  // `tallystick … | head` closes the pipe: nobody is left to be told.
  process.stdout.on('error', () => process.exit(EXIT.ok)); // oxlint-disable-line unicorn/no-process-exit
  // A sidecar does not end because nobody reads its log any more, or the disk of the log is full.
  process.stderr.on('error', () => {});
  return main({
    argv: process.argv.slice(2),
    stdin: () => process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    environment: processEnvironment(),
    nodeVersion: process.versions.node,
  });
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
}

/** Returns the command that the first word names, or the first two, and what follows. */
async function loadCommand(
  word: string,
  rest: readonly string[],
): Promise<{ command: Command; args: readonly string[] }> {
  const names = Object.keys(COMMANDS);
  const inGroup = names.filter((each) => each.startsWith(`${word} `));
  const name = inGroup.length === 0 ? word : `${word} ${rest[0] ?? ''}`;
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load) return { command: await load(), args: inGroup.length === 0 ? rest : rest.slice(1) };
  if (inGroup.length > 0 && (rest[0] === undefined || rest[0].startsWith('-'))) {
    throw new UsageError(`say which: ${inGroup.join(', ')}`);
  }
  const meant = didYouMean(name, names);
  throw new UsageError(
    `there is no command "${printable(name, 40)}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
  );
}

function readArguments(
  command: Command,
  args: readonly string[],
): { values: Record<string, string | boolean | undefined>; positionals: string[] } {
  const options = { ...command.options, help: { type: 'boolean' } as const };
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: Object.fromEntries(
        Object.entries(options).map(([name, { type }]) => [name, name === 'help' ? { type, short: 'h' } : { type }]),
      ),
      allowPositionals: true,
    });
    return { values: values as Record<string, string | boolean | undefined>, positionals };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('ERR_PARSE_ARGS_') !== true) throw error;
    const unknown = /^Unknown option '(--?[\w-]+)'/.exec(message)?.[1];
    const meant = unknown === undefined ? undefined : didYouMean(unknown.replace(/^-+/, ''), Object.keys(options));
    if (meant !== undefined) throw new UsageError(`there is no option "${unknown}"; did you mean "--${meant}"?`);
    throw new UsageError(unknown === undefined ? printable(message, 200) : `there is no option "${unknown}"`);
  }
}

/** What a command finds wrong itself; every other code is the answer of a sidecar. */
const OF_THIS_MACHINE: ReadonlySet<ErrorCode> = new Set([
  'config_invalid',
  'state_unusable',
  'state_newer',
  'log_invalid',
  'socket_in_use',
  'socket_path_invalid',
  'listen_failed',
  'platform_unsupported',
]);

function explainFailure(error: unknown, stderr: Output): ExitCode {
  if (error instanceof UsageError) {
    stderr.write(
      `tallystick: ${error.message}\n  "tallystick help" lists the commands, "tallystick COMMAND --help" its options\n`,
    );
    return EXIT.usage;
  }
  if (TallystickError.is(error)) {
    const fault = faultOf(error);
    const named = fault === undefined ? '' : ` (${fault})`;
    stderr.write(`tallystick: ${error.description}${named}\n  ${error.remedy}\n`);
    if (error.code === 'sidecar_unavailable') return EXIT.unreachable;
    return OF_THIS_MACHINE.has(error.code) ? EXIT.notOk : EXIT.refused;
  }
  // The message of a foreign error may quote what it was given; where it was thrown does not.
  const { name, stack = '' } = error instanceof Error ? error : new Error();
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  stderr.write([`tallystick: internal error: ${name}; please report it`, ...frames, ''].join('\n'));
  return EXIT.internal;
}
