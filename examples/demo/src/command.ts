import { execFile } from 'node:child_process';

/** How a command ended, and what it wrote. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, without a shell. Rejects when it could not be run, or was killed. */
export function runCommand(
  file: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { ...options, encoding: 'utf8' }, (error, stdout, stderr) => {
      const code = error ? error.code : 0;
      if (typeof code === 'number') resolve({ code, stdout, stderr });
      else reject(error!);
    });
  });
}

/** Throws what a command had to say, unless it did what it was told. */
export function done({ code, stderr }: Ran): void {
  if (code !== 0) throw new Error(stderr);
}
