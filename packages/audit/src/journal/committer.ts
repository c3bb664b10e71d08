import type { BatchBody } from './batch.ts';
import type { Journal, Position } from './journal.ts';

/** A {@link Journal} behind promises, so that its calls to the disk may run in a thread of their own. */
export interface Committer {
  /** Where a body may be made, so that it needs no copy: one at a time. */
  readonly memory?: Buffer;
  /** Resolves when the batch is durable. The bytes must not change until then. */
  commit(body: BatchBody): Promise<Position>;
  /** Deletes full segments; see {@link Journal.release}. */
  release(upToSeq: number): Promise<void>;
  close(): Promise<void>;
}

/** Returns a committer whose disk calls run in this thread and hold it up. For tools, tests and comparison. */
export function createInlineCommitter(journal: Journal): Committer {
  return {
    commit: async (body) => journal.commit(body),
    release: async (upToSeq) => journal.release(upToSeq),
    close: async () => journal.close(),
  };
}
