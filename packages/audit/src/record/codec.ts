import { canonicalJson, type Json } from '@tallystick/core';
import {
  BODIES,
  BODY_VERSION,
  envelopeShape,
  isRecordType,
  isCanonicalRecord,
  type AuditRecord,
  type ForeignRecord,
} from './record.ts';
import { RecordError } from './record-error.ts';
import { hasSecretMember, holdsSecret } from './secret-look.ts';

/** The longest record, in bytes: below the 65,535 of an entry bundle (C2SP tlog-tiles). */
export const MAX_RECORD_LENGTH = 60_000;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Returns the bytes of a record's leaf: its canonical JSON (RFC 8785).
 *
 * Every member has the shape that its type names and there are no others, so that nothing enters the log by accident;
 * what looks like a secret is refused even where free text may stand.
 *
 * @throws {RecordError} `envelope`, `body`, `secret`, `length`. Nothing of the record is in the message.
 */
export function encodeRecord(record: AuditRecord): Buffer {
  const isCanonical = isRecordType(record.type) && isCanonicalRecord(record.type, record);
  const text = isCanonical ? JSON.stringify(record) : judgedText(record);
  if (record.body.v !== BODY_VERSION) throw new RecordError('body', `body.v is not ${BODY_VERSION}`, 'write');
  // One look at the whole text is cheaper than one at each string, and finds something next to never.
  if (holdsSecret(text) && hasSecretMember(record as unknown as Json)) {
    throw new RecordError('secret', `a record of type ${record.type} holds what looks like a secret`, 'write');
  }
  const bytes = Buffer.from(text);
  if (bytes.length > MAX_RECORD_LENGTH) {
    throw new RecordError('length', `a record of type ${record.type} is longer than 60,000 bytes`, 'write');
  }
  return bytes;
}

/** Returns the canonical JSON of a record that is not in canonical order, or says what is wrong with it. */
function judgedText(record: AuditRecord): string {
  const envelope = envelopeShape.fault(record, true);
  if (envelope !== undefined) throw new RecordError('envelope', `record${envelope}`, 'write');
  const shape = isRecordType(record.type) ? BODIES[record.type] : undefined;
  const body = shape ? shape.fault(record.body, true) : ' is of no type of this release';
  if (body !== undefined) throw new RecordError('body', `body${body}`, 'write');
  return canonicalJson(record as unknown as Json);
}

/** A record as it was read: one that this release knows, or one of which it judges the envelope alone. */
export type ParsedRecord =
  | { readonly known: true; readonly record: AuditRecord }
  | { readonly known: false; readonly record: ForeignRecord };

/**
 * Returns the record in a leaf. The envelope is strict; a type, or a version of a body, that this release does not
 * know is kept as it is (`known: false`: semantics not judged), and so are members that a body of ours does not name.
 *
 * @throws {RecordError} `length`, `json`, `canonical`, `envelope`, `body`
 */
export function parseRecord(bytes: Uint8Array): ParsedRecord {
  if (bytes.length > MAX_RECORD_LENGTH) throw new RecordError('length', 'a record is longer than 60,000 bytes', 'read');
  const { text, value } = decode(bytes);
  const envelope = envelopeShape.fault(value, true);
  if (envelope !== undefined) throw new RecordError('envelope', `record${envelope}`, 'read');
  if (canonical(value) !== text) throw new RecordError('canonical', 'a record is not in canonical form', 'read');
  const { type, body } = value as ForeignRecord;
  if (!isRecordType(type) || body.v !== BODY_VERSION) return { known: false, record: value as ForeignRecord };
  const fault = BODIES[type].fault(body, false);
  if (fault !== undefined) throw new RecordError('body', `${type}: body${fault}`, 'read');
  return { known: true, record: value as AuditRecord };
}

function decode(bytes: Uint8Array): { text: string; value: unknown } {
  try {
    const text = utf8.decode(bytes);
    return { text, value: JSON.parse(text) as unknown };
  } catch {
    throw new RecordError('json', 'a record is not JSON in UTF-8', 'read');
  }
}

function canonical(value: unknown): string | undefined {
  try {
    return canonicalJson(value as Json);
  } catch {
    // A lone surrogate or a number beyond the range of a double has no canonical form.
    return undefined;
  }
}
