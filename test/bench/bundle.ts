import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDaemon, type Daemon, type DaemonOptions } from '../daemon/daemon.ts';
import { runBin } from '../packaging/command.ts';

let built: Promise<string> | undefined;

/** Returns the path of the sidecar's command, bundled from the sources as they are, once a run. */
export function bundledCommand(): Promise<string> {
  return (built ??= build());
}

/** Starts the bundle on this Node, without conditions, as it is shipped. */
export async function startBundle(options: DaemonOptions = {}): Promise<Daemon> {
  return startDaemon({ ...options, command: [process.execPath, await bundledCommand()] });
}

async function build(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-bundle-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await runBin('sidecar', 'tsup', ['--silent', '--out-dir', folder], 'sidecar');
  return join(folder, 'main.js');
}
