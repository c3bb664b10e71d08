import { hash } from 'node:crypto';
import { openCheckpoint, type Checkpoint } from '../tlog/checkpoint.ts';
import type { NoteVerifier } from '../tlog/signed-note.ts';
import { TlogError } from '../tlog/tlog-error.ts';
import { AnchorError } from './anchor-error.ts';
import type { ReplicaTarget } from './replica-target.ts';

const sizeInPath = (size: number): string => String(size).padStart(16, '0');

/** A head that a replica holds. */
export interface ReplicatedHead extends Checkpoint {
  readonly checkpoint: Uint8Array;
}

/**
 * Returns the path of an anchored head in a replica, `anchored/<size in 16 digits>-<the start of its SHA-256>`: paths
 * sort as sizes do, and a head that was cosigned again is another object. One after the other, each with an empty line,
 * they are the file `heads` of the log.
 */
export function headPath(folder: string, size: number, checkpoint: Uint8Array): string {
  const digest = hash('sha256', checkpoint, 'hex').slice(0, 16);
  return `${folder}/anchored/${sizeInPath(size)}-${digest}`;
}

/**
 * Returns the newest head of a replica that its log has signed, as an anchor to hold the log to; undefined where there is
 * none. What anybody else has put there is passed over.
 *
 * @param fromSize Heads of fewer records are not looked for: after years there are many.
 * @throws {AnchorError} `replica_unavailable`, as a rejection
 */
export async function newestReplicatedHead(
  target: ReplicaTarget,
  folder: string,
  log: NoteVerifier,
  fromSize = 0,
): Promise<ReplicatedHead | undefined> {
  try {
    const paths = await target.list(`${folder}/anchored`, `${folder}/anchored/${sizeInPath(fromSize)}`);
    for (const path of paths.toSorted().toReversed()) {
      const checkpoint = await target.get(path);
      const head = checkpoint && openHead(checkpoint, log);
      if (head) return head;
    }
    return undefined;
  } catch (cause) {
    throw new AnchorError('replica_unavailable', 'the heads of the replica cannot be read', cause);
  }
}

function openHead(checkpoint: Uint8Array, log: NoteVerifier): ReplicatedHead | undefined {
  try {
    const { origin, size, root } = openCheckpoint(checkpoint, log, 'refuse');
    return { origin, size, root, checkpoint };
  } catch (error) {
    if (error instanceof TlogError) return undefined;
    throw error;
  }
}
