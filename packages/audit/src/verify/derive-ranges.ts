import { deriveRange, type BundleRange, type DerivedRange } from './derive-range.ts';
import type { ReadLogFile } from './read-log-file.ts';

/** What derives ranges of bundles: in this thread, or in several. */
export interface RangeDeriver {
  /** How many ranges it derives at the same time. */
  readonly parallel: number;
  derive(range: BundleRange): Promise<DerivedRange>;
}

/** Bundles of a range: few enough that the records of a few ranges fit into memory while they are judged. */
const RANGE_BUNDLES = 16;

/** Returns what derives ranges in this thread. */
export function inThisThread(readFile: ReadLogFile): RangeDeriver {
  return { parallel: 1, derive: (range) => deriveRange(readFile, range) };
}

/**
 * Yields what the full bundles of a log say, in their order, with as many ranges on their way as the deriver takes: the
 * memory that it needs does not grow with the log.
 */
export async function* deriveRanges(
  deriver: RangeDeriver,
  bundles: number,
  withBundles: boolean,
): AsyncGenerator<BundleRange & DerivedRange, void, undefined> {
  const underway: Promise<BundleRange & DerivedRange>[] = [];
  const start = (first: number): void => {
    const range = { first, count: Math.min(RANGE_BUNDLES, bundles - first), withBundles };
    const derived = deriver.derive(range).then((each) => ({ ...range, ...each }));
    // It is awaited when its turn comes; until then a failure is nobody's.
    derived.catch(() => undefined);
    underway.push(derived);
  };
  for (let next = 0; next < bundles || underway.length > 0;) {
    while (next < bundles && underway.length < deriver.parallel * 2) {
      start(next);
      next += RANGE_BUNDLES;
    }
    yield await underway.shift()!;
  }
}
