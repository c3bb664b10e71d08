import type { Instrument } from '@tallystick/telemetry';
import type { RecordInput, RecordRef, RevokedBody } from '../record/record.ts';

/** Emits the event that follows from a record, if one does: what is on record is told as it was recorded. */
export function recordEvent(scope: Pick<Instrument, 'emit'>, input: RecordInput, { id }: RecordRef): void {
  const record = { 'tallystick.audit.record.id': id };
  switch (input.type) {
    case 'credential.revoked':
      scope.emit('tallystick.credential.revoked', {
        'tallystick.identity.id': (input.body as RevokedBody).identity ?? undefined,
        'tallystick.lease.id': input.lease ?? undefined,
        ...record,
      });
      break;
    case 'config.loaded':
      scope.emit('tallystick.configuration.loaded', record);
      break;
    case 'config.refused':
      scope.emit('tallystick.configuration.refused', record);
      break;
    // The others have spans, or nobody watches for them.
    default:
  }
}
