import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../servers/cache.ts';
import { runCommand } from './command.ts';

/** The versions of Node that a user may have: the oldest that `engines` allows, and the later even ones. */
export const NODES = ['22.19.0', '24', '26'] as const;
/** The versions of TypeScript that a user may have. */
export const TYPESCRIPTS = ['5.9', '6', '7'] as const;

const platform = `${process.platform}-${process.arch}`;

const MANIFEST = JSON.stringify({
  private: true,
  dependencies: {
    ...Object.fromEntries(NODES.map((version) => [`node-${version}`, `npm:node-${platform}@${version}`])),
    ...Object.fromEntries(TYPESCRIPTS.map((version) => [`typescript-${version}`, `npm:typescript@~${version}.0`])),
    jest: '^30.5.2',
  },
});

/** Programs that users run beside our packages, in the versions that we promise to work with. */
export interface Tools {
  node(version: (typeof NODES)[number]): string;
  /** The script of a compiler, for the newest Node. */
  tsc(version: (typeof TYPESCRIPTS)[number]): string;
  readonly jest: string;
}

/**
 * Returns the tools. Installs them from the registry once; they stay in the user's cache folder, under the checksum of
 * what was asked for.
 */
export async function obtainTools(): Promise<Tools> {
  const key = createHash('sha256').update(MANIFEST).digest('hex').slice(0, 16);
  const folder = join(cacheFolder('tallystick-test-tools'), key);
  if (!existsSync(folder)) {
    const unfinished = `${folder}.${process.pid}`;
    mkdirSync(unfinished, { recursive: true });
    writeFileSync(join(unfinished, 'package.json'), MANIFEST);
    await npmInstall(unfinished);
    try {
      renameSync(unfinished, folder);
    } catch (error) {
      // Another run was faster.
      rmSync(unfinished, { recursive: true, force: true });
      if (!existsSync(folder)) throw error;
    }
  }
  const modules = join(folder, 'node_modules');
  return {
    node: (version) => join(modules, `node-${version}`, 'bin', 'node'),
    tsc: (version) => join(modules, `typescript-${version}`, 'bin', 'tsc'),
    jest: join(modules, 'jest', 'bin', 'jest.js'),
  };
}

/** Installs what the package.json in `folder` asks for, as npm does for a user. */
export async function npmInstall(folder: string): Promise<void> {
  await runCommand('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'], {
    cwd: folder,
  });
}
