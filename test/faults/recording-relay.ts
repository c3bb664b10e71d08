import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';

/** Stands between services and the socket of a sidecar, and notes every byte. */
export interface RecordingRelay extends AsyncDisposable {
  /** Path of the socket that services connect to. */
  readonly path: string;
  /** What has passed, each way of each connection by itself. */
  streams(): readonly Buffer[];
}

/** @param socket Path of the sidecar's socket. It may be gone and come back. */
export async function startRecordingRelay(path: string, socket: string): Promise<RecordingRelay> {
  const ways: Buffer[][] = [];
  const open = new Set<Socket>();
  const note = (from: Socket, to: Socket): void => {
    const chunks: Buffer[] = [];
    ways.push(chunks);
    open.add(from);
    from.on('data', (chunk: Buffer) => chunks.push(chunk));
    from.on('error', () => to.destroy()).on('close', () => open.delete(from));
    from.pipe(to);
  };
  const server = createServer((service) => {
    const sidecar = connect(socket);
    note(service, sidecar);
    note(sidecar, service);
  });
  mkdirSync(dirname(path), { mode: 0o700 });
  await once(server.listen(path), 'listening');
  return {
    path,
    streams: () => ways.map((chunks) => Buffer.concat(chunks)),
    async [Symbol.asyncDispose]() {
      for (const each of open) each.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
