import { dictionary, integer, list, nullable, object, oneOf, text, type ShapeOf } from '../record/shape.ts';
import {
  digest,
  hash64,
  leaseText,
  line,
  operator,
  originText,
  recordQuery,
  time,
  ulidText,
  word,
} from '../record/values.ts';
import type { Head } from '../record/origin.ts';
import { RecordError } from '../record/record-error.ts';

const place = { id: nullable(ulidText), origin: originText, seq: integer(0), time: nullable(time) };
const counts = dictionary(word, integer(1), 1000);

const logShape = object({
  /** The signed head as it was exported under; null where the caller had none at hand. */
  checkpoint: nullable(text(16_384)),
  incarnation: integer(0),
  origin: originText,
  /** Root over the leaves that were scanned, base64. */
  root: hash64,
  shard: integer(0),
  /** How many leaves were scanned: all, from the first. */
  size: integer(0),
});

/**
 * What an export was made of and how, so that anybody with the log can make it again and find a line that is missing,
 * added or changed.
 */
export const manifestShape = object({
  /** Records in the period, by type, whether or not they were selected. */
  countsInRange: counts,
  /** Time of the newest record that was scanned; null where there was none. */
  cutOff: nullable(time),
  excluded: dictionary(word, integer(1), 16),
  exportedAt: time,
  exportedBy: operator,
  file: object({ rows: integer(0), sha256: digest }),
  /** How often each finding was made over the whole of the logs. */
  findings: counts,
  format: oneOf('ndjson', 'csv', 'ocsf', 'otlp'),
  /** Where something is missing or out of order: the first 1,000. */
  gaps: list(object({ detail: line, ...place, rule: word }), 1000),
  /** Records of what was done before it was recorded: the first 1,000. */
  late: list(object(place), 1000),
  logs: list(logShape, 1000),
  /** Intents without an answer, at the end: the first 1,000. */
  openIntents: list(object({ ...place, lease: nullable(leaseText) }), 1000),
  query: recordQuery,
  /** Records that the file holds: as many as it has rows. */
  selected: integer(0),
  /** What made it; `sha256` is of the program's file. */
  tool: object({ name: word, sha256: nullable(digest), version: word }),
  v: integer(1, 1),
  /** In which the period was meant; its limits are in UTC. */
  zone: text(64),
});

export type ExportManifest = ShapeOf<typeof manifestShape>;

/** One log of an export: what a verifier derived, and the signed head that says the same. */
export interface ExportedLog extends Head {
  readonly checkpoint: string | null;
}

/**
 * Returns the manifest in a JSON text.
 *
 * @throws {RecordError} `json`, or `body`: it is not of its shape; a member that this release does not know is refused,
 *   since it could not re-perform what it says.
 */
export function parseManifest(json: string): ExportManifest {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new RecordError('json', 'a manifest is not JSON', 'read');
  }
  const fault = manifestShape.fault(value, true);
  if (fault !== undefined) throw new RecordError('body', `manifest${fault}`, 'read');
  return value as ExportManifest;
}
