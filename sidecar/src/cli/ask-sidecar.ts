import { TallystickError } from '@tallystick/core';
import { loadConfig } from '../config/load-config.ts';
import { salvageAdminSocket } from '../config/salvage.ts';
import { createAdminClient, type AdminClient } from './admin-client.ts';
import { configPathOf, EXIT, UsageError, type CONFIG_OPTION, type ExitCode, type Invocation } from './command.ts';

/** `--reason`, for every command that changes something. */
export const REASON_OPTION = {
  reason: { type: 'string', value: 'TEXT', doc: 'why: a ticket or a cause; it goes into the record' },
} as const;

/** Returns what `--reason` says. @throws {UsageError} It says nothing. */
export function reasonOf(options: { readonly reason?: string | undefined }): string {
  if (options.reason === undefined || options.reason.trim() === '') {
    throw new UsageError('this changes something: give --reason "ticket or cause"');
  }
  return options.reason;
}

/**
 * Runs `ask` against the sidecar that the configuration names, by its admin socket.
 *
 * @returns What `ask` returns; {@link EXIT.refused} when the sidecar refused.
 * @throws {TallystickError} `config_invalid`, `sidecar_unavailable`
 */
export async function askSidecar(
  invocation: Invocation<typeof CONFIG_OPTION>,
  ask: (client: AdminClient) => Promise<ExitCode>,
): Promise<ExitCode> {
  const socket = await adminSocketOf(invocation);
  if (socket === undefined) {
    throw new TallystickError(
      'config_invalid',
      `"${configPathOf(invocation)}" has mistakes, so the admin socket is not known`,
    );
  }
  try {
    return await ask(createAdminClient(socket));
  } catch (error) {
    if (!TallystickError.is(error) || error.code === 'sidecar_unavailable') throw error;
    invocation.stderr.write(`tallystick: the sidecar refused: ${error.description}\n  ${error.remedy}\n`);
    return EXIT.refused;
  }
}

/** Returns the path of the admin socket that the configuration names; undefined where it names none. */
export async function adminSocketOf(invocation: Invocation<typeof CONFIG_OPTION>): Promise<string | undefined> {
  const result = await loadConfig(configPathOf(invocation), { clock: invocation.clock });
  // A sidecar that runs by its last good configuration is asked like any other.
  return result.ok ? result.loaded.config.listen.admin : salvageAdminSocket(result.text ?? '');
}

/** Returns one JSON value as commands print it under `--json`. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
