import { isAbsolute } from 'node:path';
import { printable, TallystickError } from '@tallystick/core';

/** What decides where the workload socket is. */
export interface SocketPlace {
  /** The `socket` option. */
  readonly option: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
}

/**
 * Returns the paths at which the workload socket may be, the first one that exists to be taken: the option alone,
 * else `TALLYSTICK_SOCKET` alone, else `$XDG_RUNTIME_DIR/tallystick/api.sock` and `/run/tallystick/api.sock`.
 *
 * @throws {TallystickError} `socket_path_invalid`, `platform_unsupported`
 */
export function socketCandidates({ option, env, platform }: SocketPlace): readonly string[] {
  if (platform === 'win32') {
    throw new TallystickError('platform_unsupported', 'the sidecar is reached over a Unix socket, and this is Windows');
  }
  const limit = platform === 'darwin' ? 103 : 107;
  const named = option ?? (env.TALLYSTICK_SOCKET || undefined);
  if (named !== undefined) return [parseSocketPath(named, limit)];
  const runtime = env.XDG_RUNTIME_DIR;
  const system = '/run/tallystick/api.sock';
  // A relative XDG_RUNTIME_DIR is to be ignored (XDG Base Directory Specification).
  if (runtime === undefined || !isAbsolute(runtime)) return [system];
  return [parseSocketPath(`${runtime.replace(/\/+$/, '')}/tallystick/api.sock`, limit), system];
}

function parseSocketPath(text: string, limit: number): string {
  const path = text.startsWith('unix://') ? text.slice('unix://'.length) : text;
  const fault = faultOf(path, limit);
  if (fault) throw new TallystickError('socket_path_invalid', `"${printable(text)}" ${fault}`);
  return path;
}

function faultOf(path: string, limit: number): string | undefined {
  if (!isAbsolute(path)) return 'is not an absolute path';
  if (path.includes('\0')) return 'has a NUL character';
  const length = Buffer.byteLength(path);
  // The kernel cuts a longer one, or Node refuses it with EINVAL; neither says why.
  return length > limit ? `has ${length} bytes; the longest socket path here has ${limit}` : undefined;
}
