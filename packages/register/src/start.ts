import { getBooleanFromEnv } from '@opentelemetry/core';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { patchBuiltIns } from './built-ins.ts';
import { flushOnExit } from './exit.ts';
import { propagatorFromEnv } from './propagator.ts';
import { identityResource, resourceDetectors } from './resource.ts';
import { learnServiceIdentity } from './service-identity.ts';
import { logRecordProcessors, metricReaders, spanProcessors } from './signals.ts';

/** Starts OpenTelemetry by the `OTEL_*` variables, with the identity of the service; not when `OTEL_SDK_DISABLED`. */
export function start(): void {
  if (getBooleanFromEnv('OTEL_SDK_DISABLED')) return;
  const spans = spanProcessors();
  const metrics = metricReaders();
  const logs = logRecordProcessors();
  const detectors = resourceDetectors();
  const identity = learnServiceIdentity();
  const sdk = new NodeSDK({
    resource: identityResource(identity.attributes),
    ...(detectors && { resourceDetectors: detectors }),
    textMapPropagator: propagatorFromEnv(),
    spanProcessors: spans,
    ...(metrics && { metricReaders: metrics }),
    ...(logs && { logRecordProcessors: logs }),
    instrumentations: [new HttpInstrumentation(), new UndiciInstrumentation()],
  });
  sdk.start();
  patchBuiltIns();
  const flush = async (parts: readonly { forceFlush(): Promise<void> }[]): Promise<void> => {
    identity.giveUp();
    await Promise.allSettled(parts.map((part) => part.forceFlush()));
  };
  flushOnExit(process, {
    flush: () => flush([...spans, ...(metrics ?? []), ...(logs ?? [])]),
    // The others flush by themselves when they are shut down; a span processor drops what waits for the identity.
    shutdown: () => flush(spans).then(() => sdk.shutdown()),
  });
}
