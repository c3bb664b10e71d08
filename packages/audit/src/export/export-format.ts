import type { AuditRecord, ForeignRecord } from '../record/record.ts';
import type { Leaf } from '../record/leaf.ts';

/** Where the record of a line stands in the log. */
export interface LinePlace {
  readonly origin: string;
  readonly seq: number;
}

/** One way to write records, a record a line, so that each line can be traced back to its leaf. */
export interface ExportFormat {
  readonly name: string;
  /** The line before the records; null where there is none. */
  readonly header: string | null;
  readonly lineEnd: '\n' | '\r\n';
  /** Returns the line of a record, without its end. */
  line(leaf: Leaf, record: AuditRecord | ForeignRecord): string;
  /** Returns the place that a line says it has, or undefined for a line that says none. */
  place(line: string): LinePlace | undefined;
}

/** Returns a place when both parts are what they must be. */
export function linePlace(origin: unknown, seq: unknown): LinePlace | undefined {
  return typeof origin === 'string' && typeof seq === 'number' && Number.isSafeInteger(seq)
    ? { origin, seq }
    : undefined;
}

/** Returns the object in a line of JSON, or undefined. */
export function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
