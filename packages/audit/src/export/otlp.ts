import type { AuditRecord, ForeignRecord } from '../record/record.ts';
import type { Leaf } from '../record/leaf.ts';
import { parseOrigin } from '../record/origin.ts';
import { linePlace, parseLine, type ExportFormat } from './export-format.ts';
import { otlpLogEvent } from './otlp-log-event.ts';

/**
 * One `LogsData` a line in OTLP's JSON encoding, as a collector's file exporter writes it and its `otlpjsonfile` receiver
 * reads it. The body is the leaf, byte for byte: it can be proved to be in the log.
 */
export const OTLP: ExportFormat = {
  name: 'otlp',
  header: null,
  lineEnd: '\n',
  line: (leaf, record) => JSON.stringify(logsData(leaf, record)),
  place(line) {
    const logs = parseLine(line)?.['resourceLogs'] as { scopeLogs?: { logRecords?: LogRecord[] }[] }[] | undefined;
    const attributes = logs?.[0]?.scopeLogs?.[0]?.logRecords?.[0]?.attributes;
    const valueOf = (key: string): AnyValue | undefined => attributes?.find((each) => each.key === key)?.value;
    const index = valueOf('tallystick.audit.log.index')?.intValue;
    return linePlace(valueOf('tallystick.audit.log.origin')?.stringValue, index === undefined ? undefined : +index);
  },
};

/** Whole numbers are decimal texts: JSON's own have no 64 bits. */
interface AnyValue {
  readonly stringValue?: string;
  readonly intValue?: string;
  readonly boolValue?: boolean;
}

interface Attribute {
  readonly key: string;
  readonly value: AnyValue;
}

interface LogRecord {
  readonly attributes: readonly Attribute[];
}

function logsData(leaf: Leaf, record: AuditRecord | ForeignRecord): object {
  const { eventName, timestamp, severityNumber, severityText, attributes, trace } = otlpLogEvent(leaf, record);
  const time = `${timestamp}000000`;
  const resource = { 'service.name': 'tallystick', 'service.instance.id': parseOrigin(record.origin)!.sidecarId };
  const logRecord = {
    timeUnixNano: time,
    observedTimeUnixNano: time,
    severityNumber,
    severityText,
    eventName,
    body: { stringValue: Buffer.from(leaf.bytes).toString('utf8') },
    attributes: keyValues(attributes),
    ...(trace && { traceId: trace.traceId, spanId: trace.spanId }),
  };
  const scopeLogs = [{ scope: { name: '@tallystick/audit' }, logRecords: [logRecord] }];
  return { resourceLogs: [{ resource: { attributes: keyValues(resource) }, scopeLogs }] };
}

function keyValues(attributes: Readonly<Record<string, string | number | boolean>>): Attribute[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: string | number | boolean): AnyValue {
  if (typeof value === 'number') return { intValue: String(value) };
  return typeof value === 'boolean' ? { boolValue: value } : { stringValue: value };
}
