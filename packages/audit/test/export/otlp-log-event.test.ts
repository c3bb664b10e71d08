import { describe, expect, it } from 'vitest';
import { otlpLogEvent, recordOf, type Leaf, type OtlpLogEvent, type RecordType } from '../../src/index.ts';
import { identity, plausibleLog } from '../record/plausible-log.ts';

const { leaves } = plausibleLog();
const eventOf = (leaf: Leaf): OtlpLogEvent => otlpLogEvent(leaf, recordOf(leaf)!);
const first = (type: RecordType): Leaf => leaves.find((leaf) => recordOf(leaf)!.type === type)!;

describe('a log event for OpenTelemetry', () => {
  it('names the record, its log and its index, for every record', () => {
    for (const leaf of leaves) {
      const { id, type, origin, seq, time } = recordOf(leaf)!;
      const event = eventOf(leaf);
      expect(event.timestamp).toBe(Date.parse(time));
      expect(event.attributes).toMatchObject({
        'tallystick.audit.record.id': id,
        'tallystick.audit.record.type': type,
        'tallystick.audit.log.index': seq,
        'tallystick.audit.log.origin': origin,
      });
      for (const value of Object.values(event.attributes))
        expect(['string', 'number', 'boolean']).toContain(typeof value);
    }
  });

  it.each([
    ['credential.released', 'tallystick.credential.issued', 'INFO', 9],
    ['credential.denied', 'tallystick.credential.denied', 'WARN', 13],
    ['credential.revoked', 'tallystick.credential.revoked', 'INFO', 9],
    ['attest.summary', 'tallystick.identity.attestation_failed', 'WARN', 13],
    ['config.loaded', 'tallystick.configuration.loaded', 'INFO', 9],
    ['log.heartbeat', 'tallystick.audit.recorded', 'INFO', 9],
  ] as const)('has %s as %s', (type, eventName, severityText, severityNumber) => {
    expect(eventOf(first(type))).toMatchObject({ eventName, severityText, severityNumber });
  });

  it('joins identity, owner, business process, lease and trace of a release', () => {
    const leaf = first('credential.released');
    const record = recordOf(leaf)!;
    const event = eventOf(leaf);
    expect(event.trace).toEqual({ traceId: record.trace!.trace_id, spanId: record.trace!.span_id });
    expect(event.attributes).toMatchObject({
      'tallystick.identity.id': identity('close').id,
      'tallystick.identity.owner.id': 'team-close',
      'tallystick.identity.owner.kind': 'team',
      'tallystick.business_process.id': 'BP-1042',
      'tallystick.business_process.run.id': 'run-1',
      'tallystick.lease.id': record.lease,
      'tallystick.credential.name': 'ledger-api',
      'tallystick.provider.name': 'issuer',
    });
    expect(event.attributes).not.toHaveProperty('error.type');
    expect(eventOf(first('credential.denied')).attributes).toMatchObject({ 'error.type': 'not_entitled' });
  });
});
