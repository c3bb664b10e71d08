import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

export const exporter = new InMemorySpanExporter();

export function tracerProvider(first) {
  return new TracerProvider({ spanProcessors: [first, new SimpleSpanProcessor({ exporter })] });
}
