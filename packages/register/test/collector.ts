import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface KeyValue {
  readonly key: string;
  readonly value: { stringValue?: string; intValue?: number; arrayValue?: { values: { stringValue?: string }[] } };
}

/** A span as it came over OTLP, with the resource it belongs to. */
export interface ReceivedSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly scope: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** An OTLP/HTTP collector that keeps what it gets. It reads JSON; of other encodings it keeps the bytes. */
export class Collector {
  /** Paths and content types of all requests. */
  readonly requests: string[] = [];
  /** Every byte that came, as Latin-1 text. */
  bytes = '';
  readonly spans: ReceivedSpan[] = [];
  readonly metrics: string[] = [];
  readonly #server: Server;
  readonly #answer: (response: ServerResponse) => void;
  #waiting: { enough: () => boolean; done: () => void }[] = [];

  private constructor(answer: (response: ServerResponse) => void) {
    this.#answer = answer;
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const type = request.headers['content-type'] ?? '';
        this.requests.push(`${request.url} ${type}`);
        this.#receive(type, Buffer.concat(chunks));
        this.#answer(response);
      });
    });
  }

  /** Starts a collector that answers by `answer`: by default it accepts. */
  static async start(answer = (response: ServerResponse): void => void response.end('{}')): Promise<Collector> {
    const collector = new Collector(answer);
    await new Promise<void>((resolve) => collector.#server.listen(0, '127.0.0.1', resolve));
    return collector;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves when `enough` is true. */
  until(enough: () => boolean): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ enough, done });
      this.#check();
    });
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #receive(type: string, body: Buffer): void {
    this.bytes += body.toString('latin1');
    if (type === 'application/json') {
      const { resourceSpans = [], resourceMetrics = [] } = JSON.parse(body.toString()) as ExportRequest;
      for (const { resource, scopeSpans } of resourceSpans) {
        for (const { scope, spans } of scopeSpans) {
          for (const span of spans) {
            const attributes = plain(span.attributes);
            this.spans.push({ ...span, scope: scope.name, attributes, resource: plain(resource.attributes) });
          }
        }
      }
      this.metrics.push(
        ...resourceMetrics.flatMap(({ scopeMetrics }) =>
          scopeMetrics.flatMap(({ metrics }) => metrics.map(({ name }) => name)),
        ),
      );
    }
    this.#check();
  }

  #check(): void {
    this.#waiting = this.#waiting.filter(({ enough, done }) => {
      if (!enough()) return true;
      done();
      return false;
    });
  }
}

interface ExportRequest {
  resourceSpans?: {
    resource: { attributes: KeyValue[] };
    scopeSpans: { scope: { name: string }; spans: (Omit<ReceivedSpan, 'attributes'> & { attributes: KeyValue[] })[] }[];
  }[];
  resourceMetrics?: { scopeMetrics: { metrics: { name: string }[] }[] }[];
}

function plain(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? value.intValue ?? value.arrayValue?.values.map(({ stringValue }) => stringValue),
    ]),
  );
}
