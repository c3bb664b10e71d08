import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { ROOT } from '../rules/repository.ts';

/** What a command printed, once it has ended well. */
export interface CommandOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** Where and with what a command runs. */
export interface CommandOptions {
  readonly cwd: string;
  /** Added to {@link cleanEnvironment}. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a command to its end.
 *
 * @throws {Error} It exited with another status than 0; the message has all that it printed.
 */
export function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<CommandOutput> {
  return new Promise((resolve, reject) => {
    const env = { ...cleanEnvironment(), ...options.env };
    execFile(command, args, { cwd: options.cwd, env, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (!error) return resolve({ stdout, stderr });
      reject(new Error(`${command} ${args.join(' ')}: ${error.code ?? error.signal}\n${stdout}\n${stderr}`));
    }).stdin!.end();
  });
}

/**
 * Runs the command of a package that the workspace folder `from` depends on, by the Node that runs the tests, in the
 * folder `cwd` of the repository.
 */
export function runBin(from: string, name: string, args: readonly string[], cwd = ''): Promise<CommandOutput> {
  const manifest = createRequire(join(ROOT, from, 'package.json')).resolve(`${name}/package.json`);
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: Record<string, string> };
  return runCommand(process.execPath, [join(dirname(manifest), Object.values(bin)[0]!), ...args], {
    cwd: join(ROOT, cwd),
  });
}

/**
 * The environment as a user's shell has it: without what pnpm and the test runner add, which would let a program find
 * the packages of this workspace.
 */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_(package|lifecycle|execpath|node_execpath|command|config_user_agent)|pnpm_|INIT_CWD$|VITEST|NODE_(ENV|PATH|OPTIONS)$|TEST$|DEV$|PROD$|MODE$|BASE_URL$|SSR$)/.test(
        name,
      ),
  );
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter) };
}
