import { linePlace, parseLine, type ExportFormat } from './export-format.ts';

/**
 * One leaf a line, byte for byte: the leaf hash is SHA-256 of 0x00 and the line, so that each line can be proved to be
 * in the log.
 */
export const NDJSON: ExportFormat = {
  name: 'ndjson',
  header: null,
  lineEnd: '\n',
  line: (leaf) => Buffer.from(leaf.bytes).toString('utf8'),
  place(line) {
    const record = parseLine(line);
    return linePlace(record?.['origin'], record?.['seq']);
  },
};
