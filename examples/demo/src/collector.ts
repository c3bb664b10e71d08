import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span that came over OTLP, flattened. */
export interface CollectedSpan {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Receives spans by OTLP/HTTP in JSON, as an OpenTelemetry collector does. */
export interface Collector {
  readonly endpoint: string;
  readonly spans: readonly CollectedSpan[];
  /** All that came, as text: to look for what must not be there. */
  raw(): string;
  /** Resolves when `enough` is true of the spans so far, or `timeoutMs` is over: then false. */
  wait(enough: () => boolean, timeoutMs: number): Promise<boolean>;
  close(): void;
}

interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly boolValue?: boolean;
  readonly doubleValue?: number;
}

interface OtlpAttributes {
  readonly attributes?: readonly { readonly key: string; readonly value: OtlpValue }[];
}

interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly resource: OtlpAttributes;
    readonly scopeSpans: readonly {
      readonly spans: readonly ({
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        name: string;
      } & OtlpAttributes)[];
    }[];
  }[];
}

export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const bodies: string[] = [];
  const waiters = new Set<() => void>();
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      bodies.push(body);
      if (request.url === '/v1/traces') spans.push(...flatten(JSON.parse(body) as OtlpTraces));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      for (const wake of waiters) wake();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    raw: () => bodies.join('\n'),
    async wait(enough, timeoutMs) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const look = (): void => {
        if (enough()) resolve(true);
      };
      const timer = setTimeout(() => resolve(false), timeoutMs);
      waiters.add(look);
      look();
      return promise.finally(() => {
        clearTimeout(timer);
        waiters.delete(look);
      });
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function flatten({ resourceSpans }: OtlpTraces): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = texts(resource)['service.name'] ?? 'unknown';
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        service,
        traceId: span.traceId,
        spanId: span.spanId,
        parentId: span.parentSpanId ?? '',
        name: span.name,
        attributes: texts(span),
      })),
    );
  });
}

function texts({ attributes = [] }: OtlpAttributes): Record<string, string> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      String(value.stringValue ?? value.intValue ?? value.boolValue ?? value.doubleValue ?? ''),
    ]),
  );
}
