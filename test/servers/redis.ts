import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './free-ports.ts';
import { requireServer } from './require-server.ts';
import { startServerProcess } from './server-process.ts';

/** A Redis that keeps everything in memory. */
export interface Redis {
  /** `redis://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts a Redis of its own for the caller, on a free port of 127.0.0.1. */
export async function startRedis(): Promise<Redis> {
  const binary = requireServer('redis');
  const [port] = await freePorts(1);
  const folder = await mkdtemp(join(tmpdir(), 'tallystick-redis-'));
  const server = await startServerProcess(
    binary,
    ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no', '--dir', folder],
    (line) => line.includes('Ready to accept connections'),
  );
  return {
    url: `redis://127.0.0.1:${port}`,
    port: port!,
    pid: server.pid,
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
