import { Readable } from 'node:stream';
import { readEnvironment } from '../../src/config/environment.ts';
import type { ExitCode } from '../../src/cli/command.ts';
import { main } from '../../src/cli/main.ts';

/** What a command says that reads a log of which no sidecar is known. */
export const NOT_ON_RECORD =
  'tallystick: this read is not on record: no configuration says which sidecar keeps this log\n';

/** Runs `tallystick` in this process. */
export async function runCli(
  argv: readonly string[],
  variables: Readonly<Record<string, string>> = {},
  nodeVersion = process.versions.node,
  stdin: readonly Uint8Array[] = [],
): Promise<{ code: ExitCode; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  const code = await main({
    argv,
    stdin: () => Readable.from(stdin),
    stdout: { write: (text) => void (stdout += text) },
    stderr: { write: (text) => void (stderr += text) },
    environment: readEnvironment(variables, '/'),
    nodeVersion,
  });
  return { code, stdout, stderr };
}
