import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { WORKLOAD_LIMITS, type Limits } from '../../src/listen/limits.ts';
import {
  createWorkloadServer,
  type WorkloadServer,
  type WorkloadServerOptions,
} from '../../src/listen/workload-server.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A workload server that serves one socket, `app`, for one test. */
export interface ServedWorkloads {
  server: WorkloadServer;
  path: string;
  /** What the handler threw that was not meant for the client. */
  failures: unknown[];
}

export async function serveWorkloads(
  handler: WorkloadServerOptions['handler'],
  options: Partial<Omit<WorkloadServerOptions, 'limits'>> & { limits?: Partial<Limits> } = {},
): Promise<ServedWorkloads> {
  const path = join(temporaryFolder(), 'api.sock');
  const failures: unknown[] = [];
  const server = createWorkloadServer({
    sockets: [{ name: 'app', path, mode: 0o666 }],
    issuer: 'https://tallystick.acme.example',
    handler,
    failed: (error) => failures.push(error),
    ...options,
    limits: { ...WORKLOAD_LIMITS, ...options.limits },
  });
  await server.start();
  onTestFinished(() => server.stop(0));
  return { server, path, failures };
}
