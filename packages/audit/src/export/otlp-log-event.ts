import type { AuditRecord, ForeignRecord } from '../record/record.ts';
import type { Leaf } from '../record/leaf.ts';
import { knownRecordOf } from '../record/leaf.ts';

/**
 * A log event as OpenTelemetry's logs API takes it. Exporters drop and sample: this is a pointer into the record, not
 * the record.
 */
export interface OtlpLogEvent {
  readonly eventName: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  /** As the logs data model numbers them. */
  readonly severityNumber: number;
  readonly severityText: 'INFO' | 'WARN' | 'ERROR' | 'FATAL';
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** The trace that the request came with, as it claims. */
  readonly trace: { readonly traceId: string; readonly spanId: string } | null;
}

const SEVERITY = { INFO: 9, WARN: 13, ERROR: 17, FATAL: 21 } as const;

/** Names and severities of those types that have an event of their own in the names registry. */
const EVENTS: Readonly<Record<string, readonly [name: string, severity: keyof typeof SEVERITY]>> = {
  'attest.summary': ['tallystick.identity.attestation_failed', 'WARN'],
  'credential.released': ['tallystick.credential.issued', 'INFO'],
  'credential.denied': ['tallystick.credential.denied', 'WARN'],
  'credential.revoked': ['tallystick.credential.revoked', 'INFO'],
  'config.loaded': ['tallystick.configuration.loaded', 'INFO'],
  'config.refused': ['tallystick.configuration.refused', 'ERROR'],
  'log.recovered': ['tallystick.audit.recovered', 'WARN'],
};

/** Returns the log event of a record. A type without a name of its own is `tallystick.audit.recorded`. */
export function otlpLogEvent(leaf: Leaf, record: AuditRecord | ForeignRecord): OtlpLogEvent {
  const [eventName, severityText] = (Object.hasOwn(EVENTS, record.type) ? EVENTS[record.type] : undefined) ?? [
    'tallystick.audit.recorded',
    record.outcome === 'success' ? 'INFO' : 'WARN',
  ];
  return {
    eventName,
    timestamp: Date.parse(record.time),
    severityNumber: SEVERITY[severityText],
    severityText,
    attributes: {
      'tallystick.audit.record.id': record.id,
      'tallystick.audit.record.type': record.type,
      'tallystick.audit.log.index': record.seq,
      'tallystick.audit.log.origin': record.origin,
      ...whom(record),
      ...which(leaf),
      ...(record.outcome === 'success' || record.reason === null ? {} : { 'error.type': record.reason }),
    },
    trace: record.trace && { traceId: record.trace.trace_id, spanId: record.trace.span_id },
  };
}

function whom(record: AuditRecord | ForeignRecord): Record<string, string> {
  const { actor, owner, process, lease } = record;
  return {
    ...(actor.startsWith('spiffe://') ? { 'tallystick.identity.id': actor } : {}),
    ...(owner ? { 'tallystick.identity.owner.id': owner.id, 'tallystick.identity.owner.kind': owner.kind } : {}),
    ...(process?.claimed ? { 'tallystick.business_process.id': process.claimed.id } : {}),
    ...(process?.claimed?.run ? { 'tallystick.business_process.run.id': process.claimed.run } : {}),
    ...(lease === null ? {} : { 'tallystick.lease.id': lease }),
  };
}

function which(leaf: Leaf): Record<string, string> {
  const record = knownRecordOf(leaf);
  if (!record || !('source' in record.body) || !('name' in record.body)) return {};
  const { name, provider, source, binding } = record.body;
  return {
    ...(name === null ? {} : { 'tallystick.credential.name': name }),
    ...(provider === null ? {} : { 'tallystick.provider.name': provider }),
    ...(source === null ? {} : { 'tallystick.credential.source': source }),
    ...(binding === null ? {} : { 'tallystick.credential.binding': binding }),
  };
}
