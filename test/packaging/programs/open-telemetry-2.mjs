import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';

export const exporter = new InMemorySpanExporter();

export function tracerProvider(first) {
  return new BasicTracerProvider({ spanProcessors: [first, new SimpleSpanProcessor(exporter)] });
}
