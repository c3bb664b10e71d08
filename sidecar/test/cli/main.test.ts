import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/catalog.ts';
import { EXIT } from '../../src/cli/command.ts';
import { VERSION } from '../../src/version.ts';
import { runCli } from './run-cli.ts';

const FOLDER = join(import.meta.dirname, '../..');

test('help lists every command and exit code', async () => {
  for (const argv of [['help'], ['--help'], ['-h']]) {
    const { code, stdout } = await runCli(argv);
    expect(code).toBe(EXIT.ok);
    for (const name of Object.keys(COMMANDS)) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    for (const exit of Object.values(EXIT)) expect(stdout).toMatch(new RegExp(`^  ${exit}  \\S`, 'm'));
    expect(stdout).toContain('tallystick COMMAND --help');
  }
});

test('without a command the help is printed, and nothing was done', async () => {
  expect(await runCli([])).toMatchObject({ code: EXIT.usage, stdout: expect.stringContaining('COMMAND') as string });
});

test.each(Object.keys(COMMANDS))(
  '%s has the name it is listed by, a summary, and help for each option',
  async (name) => {
    const command = await COMMANDS[name]!();
    expect(command.name).toBe(name);
    expect(command.summary).toMatch(/^[a-z"].*[^.]$/);
    const { code, stdout } = await runCli([name, '--help']);
    expect(code).toBe(EXIT.ok);
    for (const option of Object.keys(command.options)) expect(stdout).toContain(`--${option}`);
  },
);

test('the version is that of the package', async () => {
  const manifest = JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8')) as { version: string };
  expect(VERSION).toBe(manifest.version);
  expect(await runCli(['--version'])).toEqual({ code: EXIT.ok, stdout: `${VERSION}\n`, stderr: '' });
});

test.each(['20.20.2', '22.18.0', '9.0.0'])(
  'Node %s, which is older than "engines" allows, is refused in words',
  async (version) => {
    expect(await runCli(['--version'], {}, version)).toEqual({
      code: EXIT.notOk,
      stdout: '',
      stderr: `tallystick: this is Node ${version}\n  run it by Node 22.19 or later\n`,
    });
  },
);

test('the oldest Node is that of the package', async () => {
  const { engines } = JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8')) as { engines: { node: string } };
  const oldest = engines.node.replace('>=', '');
  expect((await runCli(['--version'], {}, `${oldest}.0`)).code).toBe(EXIT.ok);
  expect((await runCli(['--version'], {}, '23.0.0')).code).toBe(EXIT.ok);
  expect((await runCli(['--version'], {}, '1.0.0')).stderr).toContain(`Node ${oldest} or later`);
});

test.each([
  [['chek'], 'there is no command "chek"; did you mean "check"?'],
  [['__proto__'], 'there is no command "__proto__"'],
  [['frobnicate'], 'there is no command "frobnicate"\n'],
  [['check', '--jsno'], 'there is no option "--jsno"; did you mean "--json"?'],
  [['check', '--frobnicate'], 'there is no option "--frobnicate"\n'],
  [['check', 'tallystick.yaml'], '"check" takes no "tallystick.yaml"'],
  [['check', '--config'], '--config'],
  [['check', '--json=yes'], '--json'],
])('%j is a mistake in the command line, and is explained', async (argv, explanation) => {
  const { code, stdout, stderr } = await runCli(argv);
  expect({ code, stdout }).toEqual({ code: EXIT.usage, stdout: '' });
  expect(stderr).toContain(explanation);
});
