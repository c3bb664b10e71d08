import { context, SpanKind, trace, type Context, type Link, type Tracer } from '@opentelemetry/api';
import { activeSpan, runInSpan, type ActiveSpan } from './active-span.ts';
import type { EventAttributes, EventName, MetricAttributes, MetricOf, SpanAttributes } from './attributes.ts';
import { emitEvent } from './events.ts';
import { createMeasures, type Counted } from './measures.ts';
import { SCHEMA_URL } from './names.ts';

/** How a span is started. */
export interface SpanStart {
  readonly kind: 'client' | 'server' | 'internal';
  readonly attributes?: SpanAttributes;
  /** Default: the active context. `ROOT_CONTEXT` starts a trace. */
  readonly parent?: Context;
  readonly links?: Link[];
}

/** The instrumentation scope of one package. Everything is a no-op until an OpenTelemetry SDK is registered. */
export interface Instrument {
  /**
   * Runs `fn` in a CLIENT span, which ends with it; when it throws or rejects, the span has failed.
   *
   * @returns What `fn` returns.
   */
  clientSpan<T>(name: string, attributes: SpanAttributes, fn: (span: ActiveSpan) => T): T;
  /** Starts a span that the caller ends. */
  startSpan(name: string, start: SpanStart): ActiveSpan;
  /** Records a value of a histogram, in the unit of the names registry. */
  record<M extends MetricOf<'histogram'>>(metric: M, value: number, attributes: MetricAttributes<M>): void;
  /** Adds to a counter. */
  add<M extends MetricOf<'counter'>>(metric: M, value: number, attributes: MetricAttributes<M>): void;
  /** Has `read` called whenever the SDK that is registered now collects; it returns what there is at that time. */
  observe<M extends MetricOf<'updowncounter'>>(metric: M, read: () => readonly Counted<M>[]): void;
  /**
   * Emits an event, where the API has logs.
   *
   * @param parent Whose span it belongs to. Default: the active context, which is lost where no context manager is
   *   registered.
   */
  emit<E extends EventName>(event: E, attributes: EventAttributes<E>, parent?: Context): void;
}

const KINDS = { client: SpanKind.CLIENT, server: SpanKind.SERVER, internal: SpanKind.INTERNAL } as const;

/** Returns the instrumentation scope `name`, which is the name of a package, at `version`. */
export function instrument(name: string, version: string): Instrument {
  let tracer: Tracer | undefined;
  const startSpan = (
    spanName: string,
    { kind, attributes, parent = context.active(), links }: SpanStart,
  ): ActiveSpan => {
    tracer ??= trace.getTracerProvider().getTracer(name, version, { schemaUrl: SCHEMA_URL });
    const span = tracer.startSpan(spanName, { kind: KINDS[kind], ...(links ? { links } : {}) }, parent);
    const active = activeSpan(span, parent);
    // After the start, so that a span that is not sampled costs no attributes.
    if (attributes) active.set(attributes);
    return active;
  };
  return {
    startSpan,
    clientSpan: (spanName, attributes, fn) => runInSpan(startSpan(spanName, { kind: 'client', attributes }), fn),
    ...createMeasures(name, version),
    emit: (event, attributes, parent = context.active()) => emitEvent({ name, version }, event, attributes, parent),
  };
}
