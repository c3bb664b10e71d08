/** The encodings of OTLP over HTTP. */
export type OtlpProtocol = 'http/protobuf' | 'http/json';

/** What the `OTEL_*` variables say of the sidecar's own telemetry. The exporter reads the rest of them. */
export interface TelemetryEnvironment {
  /** How each signal is exported; undefined: it is not. */
  readonly traces: OtlpProtocol | undefined;
  readonly metrics: OtlpProtocol | undefined;
  readonly logs: OtlpProtocol | undefined;
  readonly sampler: TraceSampler;
  readonly metricIntervalMs: number;
  /** What is set and cannot be followed, in words. */
  readonly warnings: readonly string[];
}

/** Which requests are traced. */
export interface TraceSampler {
  /** True: a request whose caller says whether it is sampled is sampled alike. */
  readonly followsParent: boolean;
  /** The share of the others, from 0 to 1. */
  readonly ratio: number;
}

type Get = (name: string) => string | undefined;

/** Returns what the variables say, of which `get` gives those that are set. */
export function readTelemetryEnvironment(get: Get): TelemetryEnvironment {
  const warnings: string[] = [];
  const isOff = get('OTEL_SDK_DISABLED')?.toLowerCase() === 'true';
  const exported = (signal: string): OtlpProtocol | undefined => {
    const endpoint = get(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`) ?? get('OTEL_EXPORTER_OTLP_ENDPOINT');
    if (isOff || endpoint === undefined || get(`OTEL_${signal}_EXPORTER`) === 'none') return undefined;
    const own = `OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`;
    const name = get(own) === undefined ? 'OTEL_EXPORTER_OTLP_PROTOCOL' : own;
    const protocol = get(name) ?? 'http/protobuf';
    if (protocol === 'http/json' || protocol === 'http/protobuf') return protocol;
    warn(`${name} is not followed: the sidecar speaks http/protobuf and http/json; it uses http/protobuf`);
    return 'http/protobuf';
  };
  const warn = (text: string): void => {
    if (!warnings.includes(text)) warnings.push(text);
  };
  return {
    traces: exported('TRACES'),
    metrics: exported('METRICS'),
    logs: exported('LOGS'),
    sampler: readSampler(get, warn),
    metricIntervalMs: readInterval(get, warn),
    warnings,
  };
}

function readSampler(get: Get, warn: (text: string) => void): TraceSampler {
  const name = get('OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on';
  const [, parent, root] = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(name) ?? [];
  if (root === undefined) {
    warn('OTEL_TRACES_SAMPLER is not followed: it is not the name of a sampler; parentbased_always_on is used');
    return { followsParent: true, ratio: 1 };
  }
  const followsParent = parent !== undefined;
  if (root !== 'traceidratio') return { followsParent, ratio: root === 'always_on' ? 1 : 0 };
  const ratio = Number(get('OTEL_TRACES_SAMPLER_ARG') ?? 1);
  if (ratio >= 0 && ratio <= 1) return { followsParent, ratio };
  warn('OTEL_TRACES_SAMPLER_ARG is not followed: it is not a number from 0 to 1; 1 is used');
  return { followsParent, ratio: 1 };
}

function readInterval(get: Get, warn: (text: string) => void): number {
  const value = Number(get('OTEL_METRIC_EXPORT_INTERVAL') ?? 60_000);
  if (value >= 1 && value <= 86_400_000) return value;
  warn('OTEL_METRIC_EXPORT_INTERVAL is not followed: it is not a number of milliseconds up to a day; 60000 is used');
  return 60_000;
}
