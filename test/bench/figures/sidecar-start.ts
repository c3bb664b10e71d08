import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateHolderKey, type HolderKey } from '@tallystick/dpop';
import { AUDIENCE, ISSUER, oneService } from '../../daemon/daemon.ts';
import { bundledCommand } from '../../daemon/bundle.ts';
import { figure } from '../figure.ts';
import { interleave } from '../interleave.ts';
import { leaseToken } from '../load/token-request.ts';
import { Wire } from '../load/wire.ts';
import type { Measurement } from '../measurement.ts';
import { median } from '../statistics.ts';

const RETRY_MS = 2;
const VAULT_PROXY_MS = 112;

/** From the spawn of the bundle to the first token, in the hands of a client that tries to connect all the while. */
export const sidecarStart: Measurement = {
  name: 'sidecar-start',
  async measure(effort) {
    const main = await bundledCommand();
    const key = await generateHolderKey();
    const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-start-'));
    const cache = { NODE_COMPILE_CACHE: join(folder, 'compile-cache') };
    const again = join(folder, 'again');
    try {
      const starts = await interleave(
        {
          first: () => startOnce(main, key, mkdtempSync(join(folder, 'first-'))),
          again: () => startOnce(main, key, again),
          cached: () => startOnce(main, key, mkdtempSync(join(folder, 'cached-')), cache),
        },
        { rounds: effort === 'full' ? 25 : 2, warmUp: 2 },
      );
      return [
        figure({
          name: 'sidecar-start/first',
          what: 'spawn to first token, in new folders: keys made, no compile cache',
          unit: 'ms',
          ours: median(starts.first),
          peer: { of: 'Vault Proxy', value: VAULT_PROXY_MS, fixed: true },
          goal: { below: 200 },
        }),
        figure({
          name: 'sidecar-start/again',
          what: 'the same, over the state of an earlier run',
          unit: 'ms',
          ours: median(starts.again),
        }),
        figure({
          name: 'sidecar-start/compile-cache',
          what: 'in new folders, with Node’s compile cache filled (`NODE_COMPILE_CACHE`)',
          unit: 'ms',
          ours: median(starts.cached),
        }),
      ];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

async function startOnce(
  main: string,
  key: HolderKey,
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const config = writeConfig(folder);
  const startMs = performance.now();
  const child = spawn(process.execPath, [main, 'run', '--config', config], { cwd: folder, env, stdio: 'ignore' });
  const ended = once(child, 'exit');
  try {
    const wire = await openWhenThere(join(folder, 'run/api.sock'), ended);
    await leaseToken(wire, key);
    wire.close();
    return performance.now() - startMs;
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

async function openWhenThere(path: string, ended: Promise<unknown>): Promise<Wire> {
  let over = false;
  void ended.then(() => (over = true));
  for (;;) {
    if (over) throw new Error('the sidecar ended before it served');
    try {
      return await Wire.open({ path });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

function writeConfig(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'tallystick.yaml');
  writeFileSync(
    path,
    `version: 1
trustDomain: acme.example
state: ${folder}/state
listen: { workload: [{ name: app, path: ${folder}/run/api.sock }], admin: ${folder}/admin/admin.sock }
issuer: { url: ${ISSUER}, signer: local }
${oneService(`${AUDIENCE}/`, '15m')}`,
  );
  return path;
}
