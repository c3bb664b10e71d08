import { merkleRoot } from '@tallystick/core';
import { rowHash, TILE_BYTES } from '../tlog/tile-hashes.ts';
import { formatTilePath, TILE_WIDTH } from '../tlog/tile.ts';
import { storedRow } from './derive-range.ts';
import type { Findings, IntegrityCode } from './finding.ts';
import type { ReadLogFile } from './read-log-file.ts';
import { suspectOf, type Suspect } from './suspect.ts';

/** The two rows of a tile: of one that is missing there is none stored. */
export interface Rows {
  readonly derived: Uint8Array;
  readonly stored: Uint8Array | undefined;
}

/** The root that rows lead to, derived and as it is stored. */
export type Roots = Rows;

/**
 * The levels of a tree above its leaves, derived from left to right and compared with the tiles. It holds one row of
 * each level, whatever the size of the log.
 */
export class LevelDerivation {
  /** Tiles that do not say what is derived, of all levels; the first {@link MAX_SUSPECTS} of each. */
  readonly suspects: Suspect[] = [];
  readonly #readFile: ReadLogFile;
  readonly #findings: Findings<IntegrityCode>;
  /** The row of each level that is not full yet, from level 1. */
  readonly #rows: { readonly hashes: Buffer; width: number; index: number }[] = [];
  readonly #suspectsOf = new Map<number, number>();

  constructor(readFile: ReadLogFile, findings: Findings<IntegrityCode>) {
    this.#readFile = readFile;
    this.#findings = findings;
  }

  /** Appends the hash of a full tile to the level above it. */
  async push(level: number, hash: Uint8Array): Promise<void> {
    const row = (this.#rows[level - 1] ??= { hashes: Buffer.alloc(TILE_BYTES), width: 0, index: 0 });
    row.hashes.set(hash, row.width * 32);
    row.width += 1;
    if (row.width < TILE_WIDTH) return;
    await this.#compare(level, row.index, row.hashes);
    await this.push(level + 1, rowHash(row.hashes, 0, TILE_WIDTH));
    row.width = 0;
    row.index += 1;
  }

  /** Keeps a suspect of level 0. */
  suspect(suspect: Suspect): void {
    const before = this.#suspectsOf.get(suspect.level) ?? 0;
    this.#suspectsOf.set(suspect.level, before + 1);
    if (before < MAX_SUSPECTS) this.suspects.push(suspect);
  }

  /** Compares the partial tiles, and returns the roots that they lead to together with the row of level 0. */
  async roots(leaves: Rows | undefined): Promise<Roots> {
    const edge = leaves ? [leaves] : [];
    for (const [i, { hashes, width, index }] of this.#rows.entries()) {
      if (width === 0) continue;
      const derived = hashes.subarray(0, width * 32);
      edge.push({ derived, stored: await this.#compare(i + 1, index, derived) });
    }
    const stored = edge.map((rows) => rows.stored);
    return {
      derived: rootOfEdge(edge.map((rows) => rows.derived)),
      stored: stored.every((row) => row !== undefined) ? rootOfEdge(stored) : undefined,
    };
  }

  async #compare(level: number, index: number, derived: Buffer): Promise<Buffer | undefined> {
    const tile = { level, index, width: derived.length / 32 };
    const stored = await storedRow(this.#readFile, tile, this.#findings);
    const suspect = stored && suspectOf({ level, index, file: formatTilePath(tile) }, derived, stored);
    if (suspect) this.suspect(suspect);
    return stored;
  }
}

/** In a folder of noise every tile is one. */
const MAX_SUSPECTS = 1000;

/**
 * Returns the root that the partial rows lead to, that of the lowest level first. What a lower row comes to is the last,
 * smaller child above: RFC 6962 §2.1 splits a tree where it splits the row of its full subtrees.
 */
function rootOfEdge(rows: readonly Uint8Array[]): Buffer {
  let root = merkleRoot([]);
  for (const [i, row] of rows.entries()) {
    const hashes = Array.from({ length: row.length / 32 }, (_, at) => row.subarray(at * 32, at * 32 + 32));
    root = merkleRoot(i === 0 ? hashes : [...hashes, root]);
  }
  return root;
}
