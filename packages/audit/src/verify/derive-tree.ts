import { TILE_WIDTH } from '../tlog/tile.ts';
import { blame, believedBy } from './blame.ts';
import { eachRecord } from './derive-bundle.ts';
import { LevelDerivation } from './derive-levels.ts';
import { deriveLeaves } from './derive-range.ts';
import { deriveRanges, type RangeDeriver } from './derive-ranges.ts';
import type { Findings, IntegrityCode } from './finding.ts';
import type { ReadLogFile } from './read-log-file.ts';

/** What a tree is derived from. */
export interface DeriveTreeOptions {
  readonly readFile: ReadLogFile;
  readonly ranges: RangeDeriver;
  /** The signed size and root. */
  readonly size: number;
  readonly root: Uint8Array;
  readonly onRecord?: ((index: number, record: Uint8Array) => void) | undefined;
}

/**
 * Adds to `findings` what is wrong with the leaves and tiles of a log: every leaf is hashed from its record, every tile
 * of every level is derived and compared, and they have to lead to the signed root (RFC 6962 §2.1; tlog-tiles).
 */
export async function deriveTree(options: DeriveTreeOptions, findings: Findings<IntegrityCode>): Promise<void> {
  const { readFile, ranges, size, root, onRecord } = options;
  const levels = new LevelDerivation(readFile, findings);
  const judge = (first: number, width: number, bundle: Uint8Array | undefined): void => {
    if (onRecord && bundle) eachRecord(bundle, width, (i, record) => onRecord(first + i, record));
  };
  const bundles = Math.floor(size / TILE_WIDTH);
  for await (const range of deriveRanges(ranges, bundles, onRecord !== undefined)) {
    for (const finding of range.findings) findings.push(finding);
    for (const suspect of range.suspects) levels.suspect(suspect);
    for (let i = 0; i < range.count; i += 1) await levels.push(1, range.hashes.subarray(i * 32, i * 32 + 32));
    range.bundles.forEach((bundle, i) => judge((range.first + i) * TILE_WIDTH, TILE_WIDTH, bundle));
  }
  const width = size % TILE_WIDTH;
  const leaves = width > 0 ? await deriveLeaves(readFile, bundles, width) : undefined;
  for (const finding of leaves?.findings ?? []) findings.push(finding);
  if (leaves?.suspect) levels.suspect(leaves.suspect);
  judge(bundles * TILE_WIDTH, width, leaves?.bundle);
  const roots = await levels.roots(leaves && { derived: leaves.row, stored: leaves.stored });
  for (const finding of blame(levels.suspects, believedBy(root, roots))) findings.push(finding);
  if (findings.count === 0 && Buffer.compare(roots.derived, root) !== 0) {
    const detail = `the ${size} records lead to another root than the signed one`;
    findings.push({ code: 'root_mismatch', file: 'checkpoint', detail });
  }
}
