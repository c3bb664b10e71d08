import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUNDLED, startDaemon, type Daemon, type DaemonOptions } from './daemon.ts';
import { runBin } from '../packaging/command.ts';

let built: Promise<string> | undefined;

/** Returns the path of the sidecar's command, bundled from the sources as they are: once, for a run of tests as a whole. */
export function bundledCommand(): Promise<string> {
  return (built ??= BUNDLED === undefined ? build() : Promise.resolve(BUNDLED));
}

/** What the systemd unit starts it with, and the sidecar's page names for where memory counts more than requests. */
export const FOR_LITTLE_MEMORY = {
  flags: ['--max-semi-space-size=4'],
  env: { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '131072' },
} as const;

/** Starts the bundle on this Node, without conditions, as it is shipped; with `flags` of Node's. */
export async function startBundle({
  flags = [],
  ...options
}: DaemonOptions & { readonly flags?: readonly string[] } = {}): Promise<Daemon> {
  return startDaemon({ ...options, command: [process.execPath, ...flags, await bundledCommand()] });
}

async function build(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bundle-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await runBin('sidecar', 'tsup', ['--silent', '--out-dir', folder], 'sidecar');
  return join(folder, 'main.js');
}
