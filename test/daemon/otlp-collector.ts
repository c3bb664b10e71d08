import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A signal, as the path of an OTLP request names it. */
export type OtlpSignal = 'traces' | 'metrics' | 'logs';

/** Receives the three signals by OTLP/HTTP, in JSON and in protobuf, as an OpenTelemetry collector does. */
export interface OtlpCollector extends AsyncDisposable {
  /** What `OTEL_EXPORTER_OTLP_ENDPOINT` is set to. */
  readonly endpoint: string;
  /** The bodies of the requests so far. */
  bodies(signal: OtlpSignal): readonly Buffer[];
  /** The bodies that are JSON, parsed. */
  documents<T>(signal: OtlpSignal): readonly T[];
  /** Resolves when `enough` is true of what has come. */
  until(enough: () => boolean): Promise<void>;
}

/** @param answer What becomes of a request: `hang` never answers one. */
export async function startOtlpCollector(answer: 'accept' | 'hang' = 'accept'): Promise<OtlpCollector> {
  const received: Record<OtlpSignal, Buffer[]> = { traces: [], metrics: [], logs: [] };
  const wakes = new Set<() => void>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received[request.url!.slice('/v1/'.length) as OtlpSignal].push(Buffer.concat(chunks));
      if (answer === 'accept') response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      wakes.forEach((wake) => wake());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies: (signal) => received[signal],
    documents: <T>(signal: OtlpSignal) =>
      received[signal].filter((body) => body[0] === 0x7b).map((body) => JSON.parse(body.toString()) as T),
    until(enough) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = (): void => {
        if (!enough()) return;
        wakes.delete(look);
        resolve();
      };
      wakes.add(look);
      look();
      return promise;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
