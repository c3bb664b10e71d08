import { TallystickError } from '@tallystick/core';
import { createDarwinKernel } from './kernel-darwin.ts';
import { createLinuxKernel } from './kernel-linux.ts';
import { loadKoffi } from './koffi.ts';
import { bindLibc } from './libc.ts';

/** Who connected a Unix socket, as the kernel noted it at `connect()`. */
export interface PeerCredentials {
  readonly uid: number;
  readonly gid: number;
  /** 0 when the process is in a PID namespace that this one cannot see. */
  readonly pid: number;
}

/** What is asked of the operating system beyond what Node offers. Descriptors stay the caller's. */
export interface Kernel {
  /** @throws {Error} The kernel does not say. */
  peerCredentials(socket: number): PeerCredentials;
  /**
   * Returns a descriptor of the process that connected: `exited` when it is already gone, undefined where the kernel
   * has none to give (Linux before 6.5, macOS, gVisor). The caller closes it.
   *
   * @throws {Error} Out of descriptors.
   */
  openPeerProcess(socket: number): number | 'exited' | undefined;
  /** True once the process behind a descriptor of {@link openPeerProcess} has ended, reaped or not. */
  hasExited(process: number): boolean;
  /**
   * Takes the exclusive lock of the open file, without waiting; false when another holds it. The kernel drops it when
   * the last copy of the descriptor closes, so also after `kill -9`.
   */
  lock(file: number): boolean;
}

let loaded: Kernel | undefined;

/**
 * Returns the kernel of this machine. Loads the native bindings on the first call.
 *
 * @throws {TallystickError} `platform_unsupported`
 */
export function loadKernel(): Kernel {
  return (loaded ??= createKernel(process.platform, process.arch));
}

/** The same for a named platform, uncached. */
export function createKernel(platform: NodeJS.Platform, arch: string): Kernel {
  if (arch !== 'x64' && arch !== 'arm64') {
    throw new TallystickError('platform_unsupported', `"${platform}-${arch}" is not supported`, {
      remedy: 'run on x64 or arm64',
    });
  }
  switch (platform) {
    case 'linux':
      return createLinuxKernel(bindLibc(loadKoffi()));
    case 'darwin':
      return createDarwinKernel(bindLibc(loadKoffi()));
    default:
      throw new TallystickError('platform_unsupported', `"${platform}" has no Unix peer credentials`);
  }
}
