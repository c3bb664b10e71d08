import { rowHash, TILE_BYTES } from '../tlog/tile-hashes.ts';
import { formatTilePath, TILE_WIDTH } from '../tlog/tile.ts';
import { deriveBundle, MAX_RECORD_BYTES } from './derive-bundle.ts';
import type { IntegrityFinding } from './finding.ts';
import { findTile, type ReadLogFile } from './read-log-file.ts';
import { suspectOf, type Suspect } from './suspect.ts';

/** Bundles of records, from left to right. */
export interface BundleRange {
  /** Index of the first bundle. */
  readonly first: number;
  readonly count: number;
  /** True where the records themselves are asked for, to be judged. */
  readonly withBundles: boolean;
}

/** What a range of full bundles says. */
export interface DerivedRange {
  /** The hash of each bundle's row, 32 bytes each: what level 1 has of them. */
  readonly hashes: Uint8Array;
  readonly findings: readonly IntegrityFinding[];
  readonly suspects: readonly Suspect[];
  /** Where they are asked for; undefined for one that is missing. */
  readonly bundles: readonly (Uint8Array | undefined)[];
}

/** What one bundle and its tile of level 0 say. */
export interface DerivedLeaves {
  /** The leaf hashes, derived; those of the tile where there are no records to derive them from. */
  readonly row: Buffer;
  /** The leaf hashes as they are stored, where they are. */
  readonly stored: Uint8Array | undefined;
  readonly bundle: Uint8Array | undefined;
  /** Undefined where both say the same. */
  readonly suspect: Suspect | undefined;
  readonly findings: readonly IntegrityFinding[];
}

/** Returns what a range of full bundles says, read one after the other. */
export async function deriveRange(readFile: ReadLogFile, range: BundleRange): Promise<DerivedRange> {
  const hashes = Buffer.alloc(range.count * 32);
  const findings: IntegrityFinding[] = [];
  const suspects: Suspect[] = [];
  const bundles: (Uint8Array | undefined)[] = [];
  for (let i = 0; i < range.count; i += 1) {
    const leaves = await deriveLeaves(readFile, range.first + i, TILE_WIDTH);
    hashes.set(rowHash(leaves.row, 0, TILE_WIDTH), i * 32);
    findings.push(...leaves.findings);
    if (leaves.suspect) suspects.push(leaves.suspect);
    if (range.withBundles) bundles.push(leaves.bundle);
  }
  return { hashes, findings, suspects, bundles };
}

/** Returns what a bundle and its tile of level 0 say. */
export async function deriveLeaves(readFile: ReadLogFile, index: number, width: number): Promise<DerivedLeaves> {
  const leaves = { level: 0, index, width };
  const entries = { level: 'entries', index, width } as const;
  const findings: IntegrityFinding[] = [];
  const stored = await storedRow(readFile, leaves, findings);
  const found = await findTile(readFile, entries);
  if (!found) {
    const file = formatTilePath(entries);
    findings.push({ code: 'file_missing', file, record: index * TILE_WIDTH, detail: `${width} records are missing` });
    return { row: stored ?? Buffer.alloc(width * 32), stored, bundle: undefined, suspect: undefined, findings };
  }
  const { row, fault, wrongSizes } = deriveBundle(found.bytes, width, found.wider);
  for (const i of wrongSizes) {
    const record = index * TILE_WIDTH + i;
    const detail = `record ${record} has not 1 to ${MAX_RECORD_BYTES} bytes`;
    findings.push({ code: 'record_size', file: found.file, record, detail });
  }
  const tile = { level: 0, index, file: formatTilePath(leaves), bundle: found.file };
  const suspect = stored && suspectOf(tile, row, stored);
  if (fault === undefined) return { row, stored, bundle: found.bytes, suspect, findings };
  // What is wrong with the bundle as a whole began with the first record that is not what was logged.
  const position = suspect?.stored.keys().next().value;
  const record = position !== undefined && { record: index * TILE_WIDTH + position };
  findings.push({ code: 'bundle_malformed', file: found.file, ...record, detail: `the bundle is none: ${fault}` });
  return { row: stored ?? row, stored, bundle: found.bytes, suspect: undefined, findings };
}

/** Returns the hashes of a tile as it is stored, or adds why there are none. */
export async function storedRow(
  readFile: ReadLogFile,
  tile: { readonly level: number; readonly index: number; readonly width: number },
  findings: { push(finding: IntegrityFinding): unknown },
): Promise<Buffer | undefined> {
  const found = await findTile(readFile, tile);
  const bytes = tile.width * 32;
  if (!found) {
    findings.push({ code: 'file_missing', file: formatTilePath(tile), detail: `${tile.width} hashes are missing` });
    return undefined;
  }
  if (found.bytes.length !== (found.wider ? TILE_BYTES : bytes)) {
    const detail = `the tile has ${found.bytes.length} bytes, not ${found.wider ? TILE_BYTES : bytes}`;
    findings.push({ code: 'tile_changed', file: found.file, detail });
    return undefined;
  }
  return Buffer.from(found.bytes.buffer, found.bytes.byteOffset, bytes);
}
