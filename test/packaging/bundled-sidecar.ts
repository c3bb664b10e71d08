import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServerProcess } from '../servers/server-process.ts';

/** The bundled command, away from the repository and from everything that is installed. */
export interface BundledCommand {
  /** Its script, in a folder that has nothing else. */
  readonly main: string;
  remove(): void;
}

/** Copies the bundle of an installed `@tallystick/sidecar` to a folder of its own. */
export function copyBundle(installed: string): BundledCommand {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bundle-'));
  cpSync(join(installed, 'bundle'), folder, { recursive: true });
  return { main: join(folder, 'main.js'), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A sidecar that serves the user who runs the tests. */
export interface BundledSidecar {
  /** The value of `TALLYSTICK_SOCKET`. */
  readonly socket: string;
  /** The SPIFFE ID of whoever connects. */
  readonly identity: string;
  stop(): Promise<void>;
}

/** Starts `main` on a Node, and returns when it serves. */
export async function startBundledSidecar(main: string, node: string): Promise<BundledSidecar> {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-sidecar-'));
  for (const name of ['app', 'admin']) mkdirSync(join(folder, name), { mode: 0o755 });
  const identity = 'spiffe://acme.example/close-batch';
  writeFileSync(
    join(folder, 'tallystick.yaml'),
    `version: 1
trustDomain: acme.example
state: ${folder}/state
listen: { workload: 'unix://${folder}/app/api.sock', admin: ${folder}/admin/admin.sock }
issuer: { url: https://tallystick.acme.example }
identities:
  - id: ${identity}
    kind: workload
    owner: team-payments
    purpose: posts the month-end journal
    environment: test
    businessProcesses: [BP-1042]
    expires: 2099-12-31
    match: ['unix:uid:${process.geteuid!()}']
    entitlements: [ledger-api]
credentials:
  ledger-api: { provider: issuer, audience: https://ledger.acme.example, scope: journal.write, use: [https://ledger.acme.example/] }
`,
  );
  const server = await startServerProcess(node, [main, 'run', '--config', join(folder, 'tallystick.yaml')], (line) =>
    line.includes('"serving'),
  );
  return {
    socket: `unix://${folder}/app/api.sock`,
    identity,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
