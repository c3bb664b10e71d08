import { formatTilePath, TILE_WIDTH } from '../tlog/tile.ts';
import type { Roots } from './derive-levels.ts';
import type { IntegrityFinding } from './finding.ts';
import type { Suspect } from './suspect.ts';

/** Which of two rows that differ is what was logged; `unknown` where neither fits what stands above them. */
export type Believed = 'derived' | 'stored' | 'unknown';

/**
 * Returns which records and which tiles were changed, from the top of the tree down: what is above a tile says whether
 * the tile or what is derived below it is right.
 *
 * @param edge Which of the two kinds of rows leads to the signed root, on the right edge of the tree.
 */
export function blame(suspects: readonly Suspect[], edge: Believed): IntegrityFinding[] {
  const verdicts = new Map<string, { suspect: Suspect; believed: Believed }>();
  const suspected = new Set(suspects.map(({ level, index }) => `${level} ${index}`));
  const findings: IntegrityFinding[] = [];
  for (const suspect of suspects.toSorted((a, b) => b.level - a.level || a.index - b.index)) {
    const above = verdicts.get(`${suspect.level + 1} ${Math.floor(suspect.index / TILE_WIDTH)}`);
    const believed = suspect.width < TILE_WIDTH ? edge : believedBelow(suspect, above);
    verdicts.set(`${suspect.level} ${suspect.index}`, { suspect, believed });
    findings.push(...findingsOf(suspect, believed));
    if (believed === 'stored' && suspect.level > 0) findings.push(...changedBelow(suspect, suspected));
  }
  return findings;
}

/** Returns which of the two roots is the signed one. */
export function believedBy(root: Uint8Array, { derived, stored }: Roots): Believed {
  if (Buffer.compare(root, derived) === 0) return 'derived';
  return stored && Buffer.compare(root, stored) === 0 ? 'stored' : 'unknown';
}

function believedBelow(
  { index, storedHash }: Suspect,
  above: { suspect: Suspect; believed: Believed } | undefined,
): Believed {
  const stored = above?.suspect.stored.get(index % TILE_WIDTH);
  // The tile above has the derived hash, or should have it.
  if (!above || !stored || above.believed === 'derived') return 'derived';
  const fits = storedHash !== undefined && Buffer.compare(stored, storedHash) === 0;
  return fits ? above.believed : 'unknown';
}

/** Returns the tiles below a right one that are wrong, and yet say what is derived below them: all was changed alike. */
function changedBelow({ level, index, stored }: Suspect, suspected: ReadonlySet<string>): IntegrityFinding[] {
  return [...stored.keys()].flatMap((position) => {
    const below = { level: level - 1, index: index * TILE_WIDTH + position, width: TILE_WIDTH };
    if (suspected.has(`${below.level} ${below.index}`)) return [];
    const detail = 'the tile and all below it are not what was logged, though they fit each other';
    return [{ code: 'tile_changed', file: formatTilePath(below), detail } as const];
  });
}

/**
 * Returns the findings of one suspect. Where the stored tile is right, a record below it was changed; above level 0
 * there is nothing to add then, since what was changed is named below. Where neither is known to be right, both are named.
 */
function findingsOf({ level, index, file, bundle, stored }: Suspect, believed: Believed): IntegrityFinding[] {
  const first = index * TILE_WIDTH + stored.keys().next().value!;
  const changedTile: IntegrityFinding = {
    code: 'tile_changed',
    file,
    detail: `the tile has another hash ${first} of level ${level} than the log`,
  };
  if (believed === 'derived') return [changedTile];
  if (bundle === undefined) return believed === 'stored' ? [] : [changedTile];
  const records = [...stored.keys()].map((position): IntegrityFinding => {
    const record = index * TILE_WIDTH + position;
    return { code: 'record_changed', file: bundle, record, detail: `record ${record} is not the one that was logged` };
  });
  return believed === 'stored' ? records : [...records, changedTile];
}
