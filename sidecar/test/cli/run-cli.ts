import { readEnvironment } from '../../src/config/environment.ts';
import type { ExitCode } from '../../src/cli/command.ts';
import { main } from '../../src/cli/main.ts';

/** Runs `tallystick` in this process. */
export async function runCli(
  argv: readonly string[],
  variables: Readonly<Record<string, string>> = {},
  nodeVersion = process.versions.node,
): Promise<{ code: ExitCode; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  const code = await main({
    argv,
    stdout: { write: (text) => void (stdout += text) },
    stderr: { write: (text) => void (stderr += text) },
    environment: readEnvironment(variables, '/'),
    nodeVersion,
  });
  return { code, stdout, stderr };
}
