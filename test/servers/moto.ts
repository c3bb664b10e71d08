import { freePorts } from './free-ports.ts';
import { requireServer } from './require-server.ts';
import { startServerProcess } from './server-process.ts';

/** A moto server: AWS services that keep everything in memory. It accepts any credentials and signature. */
export interface Moto {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a moto of its own for the caller, on a free port of 127.0.0.1. */
export async function startMoto(): Promise<Moto> {
  const [port] = await freePorts(1);
  const server = await startServerProcess(requireServer('moto'), ['-H', '127.0.0.1', '-p', String(port)], (line) =>
    line.includes('Running on http://127.0.0.1'),
  );
  return { url: `http://127.0.0.1:${port}`, stop: () => server.stop() };
}
