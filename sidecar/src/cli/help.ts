import { EXIT, type Command } from './command.ts';
import type { COMMANDS } from './catalog.ts';

/** What each exit code means, for the help. */
const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'done',
  notOk: 'what was asked about is not as it should be',
  usage: 'the command line is wrong',
  unreachable: 'no sidecar answers at the admin socket',
  refused: 'the sidecar refused',
  internal: 'a defect of this program',
};

/** Returns the help of `tallystick` itself. */
export async function overview(commands: typeof COMMANDS): Promise<string> {
  const all = await Promise.all(Object.values(commands).map((load) => load()));
  return [
    'tallystick COMMAND [OPTIONS]',
    '',
    ...columns(all.map(({ name, summary }) => [name, summary])),
    '',
    '"tallystick COMMAND --help" prints the options of a command, "tallystick --version" the version.',
    '',
    'Exit codes:',
    ...columns(Object.entries(EXIT).map(([name, code]) => [String(code), EXIT_MEANINGS[name as keyof typeof EXIT]])),
    '',
  ].join('\n');
}

/** Returns the help of one command. */
export function commandHelp({ name, summary, operands, options }: Command): string {
  const lines = Object.entries(options).map(([option, { value, doc }]): [string, string] => [
    `--${option}${value === undefined ? '' : ` ${value}`}`,
    doc,
  ]);
  return [
    `tallystick ${[name, operands, '[OPTIONS]'].filter((part) => part !== '').join(' ')}`,
    '',
    `  ${summary}`,
    '',
    ...columns([...lines, ['-h, --help', 'print this']]),
    '',
  ].join('\n');
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([first]) => first.length));
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`);
}
