import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { NODE_FLAGS, startChild, type Child } from './child.ts';
import type { Collector } from './collector.ts';
import { runCommand, type Ran } from './command.ts';
import { AUDIENCE, demoConfig, PROCESS, RUN } from './config.ts';
import { freePort } from './free-port.ts';
import type { Wiretap } from './wiretap.ts';

const at = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const REGISTER = at('packages/register/src/index.ts');

/** The three programs of the demo, each a process, and the folder they live in. */
export interface Stage {
  readonly folder: string;
  readonly api: Child;
  readonly service: Child;
  sidecar(): Child;
  /** The folder the service runs in: what it writes would be there. */
  readonly serviceFolder: string;
  readonly appSocket: string;
  /** Where the API listens, behind the wiretap. */
  readonly revocations: string;
  /** The folder of the logs, and the public key of the one that the sidecar began in it. */
  readonly audit: string;
  readonly vkey: string;
  startSidecar(): Promise<void>;
  /** Runs the command line, which knows the sidecar by its configuration. */
  tallystick(...args: readonly string[]): Promise<Ran>;
  /** Ends all three. May be called again. */
  stop(): Promise<void>;
}

/** Starts sidecar, API and service, in this order. */
export async function setStage(
  folder: string,
  collector: Pick<Collector, 'endpoint'>,
  wiretap: Wiretap,
): Promise<Stage> {
  const config = `${folder}/tallystick.yaml`;
  const serviceFolder = `${folder}/service`;
  const publicPort = await freePort();
  for (const each of ['run', 'service', 'api']) await mkdir(`${folder}/${each}`, { recursive: true });
  await writeFile(config, demoConfig(folder, { public: publicPort }, wiretap.origin));
  const telemetry = (service: string): Record<string, string> => ({
    OTEL_SERVICE_NAME: service,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '200',
    OTEL_METRIC_EXPORT_INTERVAL: '5000',
  });

  let sidecar: Child | undefined;
  const startSidecar = async (): Promise<void> => {
    sidecar = startChild({
      args: [at('sidecar/src/main.ts'), 'run', '--config', config],
      cwd: folder,
      env: telemetry('tallystick'),
      from: 'stderr',
    });
    await sidecar.line(({ message }) => message === 'serving');
  };
  const run = (script: string, cwd: string, env: Record<string, string>, options: Record<string, string>): Child => {
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    return startChild({ args: ['--import', REGISTER, at(script), ...args], cwd, env, from: 'stdout' });
  };
  const main = [...NODE_FLAGS, at('sidecar/src/main.ts')];
  const tallystick = (...args: readonly string[]): Promise<Ran> =>
    runCommand(process.execPath, [...main, ...args, '--config', config], { cwd: folder, env: {} });

  await startSidecar();
  const audit = `${folder}/state/audit`;
  const vkey = (await readFile(`${audit}/1/1/vkey`, 'utf8')).trim();
  const revocations = `http://127.0.0.1:${publicPort}/revocations`;
  const issuerFile = `${folder}/api/issuer.json`;
  await writeFile(
    issuerFile,
    JSON.stringify({
      issuer: 'https://tallystick.acme.example',
      jwks: `http://127.0.0.1:${publicPort}/jwks`,
      subjects: ['spiffe://acme.example/payments/'],
    }),
  );
  const apiPort = await freePort();
  wiretap.forwardTo(apiPort);
  const api = run(
    'examples/ledger-api/src/main.ts',
    `${folder}/api`,
    { ...telemetry('ledger-api'), TALLYSTICK_SOCKET: `unix://${folder}/run/api/api.sock` },
    { port: String(apiPort), origin: wiretap.origin, audience: AUDIENCE, issuer: issuerFile, revocations },
  );
  await api.line(({ event }) => event === 'listening');
  const appSocket = `${folder}/run/app/api.sock`;
  const service = run(
    'examples/close-batch/src/main.ts',
    serviceFolder,
    { ...telemetry('close-batch'), TALLYSTICK_SOCKET: `unix://${appSocket}` },
    { ledger: wiretap.origin, process: PROCESS, run: RUN, entries: '1000000', pause: '20' },
  );
  await service.line(({ event }) => event === 'posted' || event === 'failed');

  return {
    folder,
    api,
    service,
    sidecar: () => sidecar!,
    serviceFolder,
    appSocket,
    revocations,
    audit,
    vkey,
    startSidecar,
    tallystick,
    async stop() {
      await Promise.all([service.stop(), api.stop(), sidecar?.stop()]);
    },
  };
}
