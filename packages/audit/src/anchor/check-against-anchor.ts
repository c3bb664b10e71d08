import type { Checkpoint } from '../tlog/checkpoint.ts';
import { proveConsistency, readRoot, type HashReader } from '../tlog/prove.ts';
import { TlogError } from '../tlog/tlog-error.ts';
import { verifyConsistency } from '../tlog/verify-consistency.ts';
import { LogError } from '../log/log-error.ts';

/** What {@link checkAgainstAnchor} compares. */
export interface AnchorCheck {
  /** The newest head of the log, as it stands on this machine. */
  readonly own: Checkpoint;
  /** Reads hashes of the tree of that head. */
  readonly readHashes: HashReader;
  /** A head of the same log that is known outside this machine, its signature verified by who brings it. */
  readonly anchor: Checkpoint;
}

/**
 * Accepts a log that has grown from an anchor, or refuses it with the operator's next step.
 *
 * The log asks the same when it is opened; whoever holds a copy of it, or learns of an anchor later, asks it here.
 *
 * @throws {LogError} as a rejection. `behind_anchor`: the log is smaller than what was anchored; `forked`: it has other
 *   records; `tiles_damaged`: its own tiles do not lead to its own head, so nothing can be said.
 * @throws {TlogError} `origin`, as a rejection: the anchor is of another log.
 */
export async function checkAgainstAnchor({ own, readHashes, anchor }: AnchorCheck): Promise<void> {
  if (anchor.origin !== own.origin) throw new TlogError('origin', 'the anchor is of another log');
  if (anchor.size > own.size) {
    throw new LogError(
      'behind_anchor',
      `the log ${own.origin} has ${own.size} records, and ${anchor.size} were anchored`,
    );
  }
  const root = await rootAt(anchor.size, own, readHashes);
  if (Buffer.compare(root, anchor.root) !== 0) {
    throw new LogError('forked', `the log ${own.origin} has not grown from its anchor of ${anchor.size} records`);
  }
}

/** Returns the root that the log had at a size: proven, as a tile that was changed is not to be taken for a fork. */
async function rootAt(size: number, own: Checkpoint, readHashes: HashReader): Promise<Uint8Array> {
  try {
    const root = await readRoot(size, readHashes);
    if (size === 0) return root;
    const proof = await proveConsistency(size, own.size, readHashes);
    verifyConsistency({ size1: size, size2: own.size, root1: root, root2: own.root, proof });
    return root;
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    throw new LogError(
      'tiles_damaged',
      `the tiles of the log ${own.origin} do not lead to its head of ${own.size} records`,
      error,
    );
  }
}
