import { leafHash } from '@tallystick/core';
import { parseRecord, type ParsedRecord } from './codec.ts';
import { RecordError } from './record-error.ts';
import type { AuditRecord, ForeignRecord } from './record.ts';

/** One leaf of a log, in the place where it stands. What is made of a log is made of these, in their order. */
export interface Leaf {
  readonly origin: string;
  readonly index: number;
  readonly bytes: Uint8Array;
  /** RFC 6962 leaf hash over the bytes as they are stored. */
  readonly hash: Buffer;
  /** What it says, or why it says nothing. */
  readonly content: ParsedRecord | RecordError;
}

/** Returns a leaf with what it says. One that names another log or another index says nothing that can be relied on. */
export function readLeaf(origin: string, index: number, bytes: Uint8Array): Leaf {
  return { origin, index, bytes, hash: leafHash(bytes), content: read(origin, index, bytes) };
}

function read(origin: string, index: number, bytes: Uint8Array): ParsedRecord | RecordError {
  try {
    const parsed = parseRecord(bytes);
    if (parsed.record.origin === origin && parsed.record.seq === index) return parsed;
    return new RecordError('place', 'a leaf names another log or another index than its own', 'read');
  } catch (error) {
    if (error instanceof RecordError) return error;
    throw error;
  }
}

/** Returns the record of a leaf, judged or not; undefined where it has none. */
export function recordOf(leaf: Leaf): AuditRecord | ForeignRecord | undefined {
  return leaf.content instanceof RecordError ? undefined : leaf.content.record;
}

/** Returns the record of a leaf when this release knows its type and body, else undefined. */
export function knownRecordOf(leaf: Leaf): AuditRecord | undefined {
  return leaf.content instanceof RecordError || !leaf.content.known ? undefined : leaf.content.record;
}
