import {
  createExporter,
  type ExportManifest,
  type ExporterOptions,
  type Leaf,
  type RecordQuery,
} from '../../src/index.ts';
import type { LogWriter } from '../record/log-writer.ts';
import { digestOf, OPERATOR } from '../record/plausible-log.ts';

/** Returns the export of some logs: the lines of its file with their ends, and its manifest. */
export function exported(
  logs: readonly LogWriter[],
  format: ExportManifest['format'],
  query: RecordQuery = {},
  options: Partial<ExporterOptions> = {},
): { lines: string[]; manifest: ExportManifest; leaves: Leaf[] } {
  const exporter = createExporter({
    exportedAt: '2026-11-22T12:00:00.000Z',
    exportedBy: OPERATOR,
    format,
    logs: logs.map((log) => log.head()),
    query,
    tool: { name: 'tallystick', sha256: digestOf('tool'), version: '0.2.0' },
    zone: 'Europe/Berlin',
    ...options,
  });
  const leaves = logs.flatMap((log) => log.leaves);
  const lines = exporter.start === '' ? [] : [exporter.start];
  for (const leaf of leaves) {
    const line = exporter.add(leaf);
    if (line !== null) lines.push(line);
  }
  return { lines, manifest: exporter.finish(), leaves };
}
