import { TallystickError } from '@tallystick/core';
import type { RecordQuery } from '../record/query.ts';
import type { Leaf } from '../record/leaf.ts';
import { parseOrigin, type Head } from '../record/origin.ts';
import { CSV } from './csv.ts';
import { createExportRun } from './export-run.ts';
import { NDJSON } from './ndjson.ts';
import { OCSF } from './ocsf.ts';
import { OTLP } from './otlp.ts';
import type { ExportedLog, ExportManifest } from './manifest.ts';
import type { ExportFormat } from './export-format.ts';

/** The formats of an export, by name. */
export const EXPORT_FORMATS: Readonly<Record<ExportManifest['format'], ExportFormat>> = {
  csv: CSV,
  ndjson: NDJSON,
  ocsf: OCSF,
  otlp: OTLP,
};

/** The inputs of {@link createExporter}. */
export interface ExporterOptions {
  readonly format: ExportManifest['format'];
  readonly query: RecordQuery;
  /** The logs whose leaves follow, in their order, with the heads that a verifier has accepted. */
  readonly logs: readonly ExportedLog[];
  readonly zone: string;
  readonly exportedAt: string;
  readonly exportedBy: ExportManifest['exportedBy'];
  readonly tool: ExportManifest['tool'];
}

/** Writes evidence: a file of selected records, and the manifest that says of what it was made. */
export interface Exporter {
  /** What the file begins with. */
  readonly start: string;
  /** Takes each leaf of each log in order, and returns what the file goes on with: a line, or null. */
  add(leaf: Leaf): string | null;
  /**
   * Returns the manifest. Call it once.
   *
   * @throws {TallystickError} `log_invalid`: the leaves are not those under the heads; what was written is no evidence.
   */
  finish(): ExportManifest;
}

export function createExporter(options: ExporterOptions): Exporter {
  const run = createExportRun(EXPORT_FORMATS[options.format], options.query);
  return {
    start: run.start,
    add: run.add,
    finish() {
      const { derived, heads } = run.finish();
      const fault = headFault(options.logs, heads);
      if (fault !== undefined) throw new TallystickError('log_invalid', fault);
      return {
        ...derived,
        exportedAt: options.exportedAt,
        exportedBy: options.exportedBy,
        format: options.format,
        logs: options.logs.map(({ checkpoint, origin, root, size }) => {
          const { incarnation, shard } = parseOrigin(origin)!;
          return { checkpoint, incarnation, origin, root, shard, size };
        }),
        query: { ...options.query },
        tool: options.tool,
        v: 1,
        zone: options.zone,
      };
    },
  };
}

/** Returns how the leaves that were scanned differ from the heads that they are said to be under, or undefined. */
export function headFault(said: readonly Head[], derived: readonly Head[]): string | undefined {
  // A log without leaves gives no head.
  const filled = said.filter(({ size }) => size > 0);
  if (filled.length !== derived.length) return `the leaves are of ${derived.length} logs, not of ${filled.length}`;
  for (const [i, { origin, size, root }] of filled.entries()) {
    const found = derived[i]!;
    if (found.origin !== origin) return 'the logs are not in the order of their heads';
    if (found.size !== size) return `a log has ${found.size} leaves, its head says ${size}`;
    if (found.root !== root) return 'the root over the leaves of a log is not that of its head';
  }
  return undefined;
}
