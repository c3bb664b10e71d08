import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runCommand, type CommandOptions, type CommandOutput } from './command.ts';
import type { PackedPackage } from './tarballs.ts';
import { npmInstall } from './tools.ts';

const PROGRAMS = join(import.meta.dirname, 'programs');

/** A user's project outside of the repository, in a folder of its own. */
export interface Project {
  readonly folder: string;
  write(file: string, text: string): void;
  /** Copies a file or folder of `programs/`. */
  add(program: string): void;
  /** Runs a command in the folder. */
  run(command: string, args: readonly string[], env?: CommandOptions['env']): Promise<CommandOutput>;
  remove(): void;
}

/**
 * Makes an empty project and installs `packed`, and other people's packages as `dependencies` asks, with npm.
 * `"type"` of its package.json is left out, as `npm init` does.
 */
export async function createProject(
  packed: readonly PackedPackage[],
  dependencies: Readonly<Record<string, string>>,
): Promise<Project> {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-project-'));
  const ours = Object.fromEntries(packed.map(({ manifest, tarball }) => [manifest.name, `file:${tarball}`]));
  const project: Project = {
    folder,
    write: (file, text) => {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    },
    add: (program) => cpSync(join(PROGRAMS, program), join(folder, program), { recursive: true }),
    run: (command, args, env) => runCommand(command, args, { cwd: folder, ...(env && { env }) }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
  project.write('package.json', JSON.stringify({ private: true, dependencies: { ...ours, ...dependencies } }));
  await npmInstall(folder);
  return project;
}
