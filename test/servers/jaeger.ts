import { freePorts } from './free-ports.ts';
import { requireServer } from './require-server.ts';
import { startServerProcess } from './server-process.ts';

/** A Jaeger that keeps its traces in memory. */
export interface Jaeger {
  /** Takes OTLP over HTTP: the value of `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly otlpUrl: string;
  /** Answers `GET /api/traces?service=…&tags=…`. */
  readonly queryUrl: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts a Jaeger of its own for the caller, on free ports of 127.0.0.1. */
export async function startJaeger(): Promise<Jaeger> {
  const binary = requireServer('jaeger');
  const ports = await freePorts(LISTENERS.length);
  const addresses = LISTENERS.map((flag, at) => `--${flag}=127.0.0.1:${ports[at]}`);
  const port = (flag: (typeof LISTENERS)[number]): number => ports[LISTENERS.indexOf(flag)]!;
  const agentTarget = `--reporter.grpc.host-port=127.0.0.1:${port('collector.grpc-server.host-port')}`;
  const server = await startServerProcess(
    binary,
    [...addresses, agentTarget, '--collector.otlp.enabled=true', '--memory.max-traces=10000', '--log-level=info'],
    (line) => line.includes('"status":"ready"'),
  );
  return {
    otlpUrl: `http://127.0.0.1:${port('collector.otlp.http.host-port')}`,
    queryUrl: `http://127.0.0.1:${port('query.http-server.host-port')}`,
    pid: server.pid,
    stop: () => server.stop(),
  };
}

// Every listener of all-in-one is named, because the default of each is every address of the machine.
const LISTENERS = [
  'admin.http.host-port',
  'collector.grpc-server.host-port',
  'collector.http-server.host-port',
  'collector.otlp.grpc.host-port',
  'collector.otlp.http.host-port',
  'http-server.host-port',
  'processor.jaeger-binary.server-host-port',
  'processor.jaeger-compact.server-host-port',
  'processor.zipkin-compact.server-host-port',
  'query.grpc-server.host-port',
  'query.http-server.host-port',
] as const;
