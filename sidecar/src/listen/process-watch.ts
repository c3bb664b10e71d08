import { closeSync } from 'node:fs';
import type { Kernel } from './kernel.ts';
import type { ProcessTable } from './process-table.ts';

/** One process that is being watched. */
export interface WatchedProcess {
  /** Undefined once it is no longer watched: then nothing can be said. */
  isRunning(): boolean | undefined;
  /** Tells that one connection of the process has closed. Once per {@link ProcessWatch.adopt}. */
  release(): void;
}

interface Entry {
  /** Ours to close; undefined when closed. */
  pidfd: number | undefined;
  /** Connections of the process that are open. */
  holders: number;
  exited: boolean;
}

/** How many processes without a connection are watched on, for the leases that they may hold. */
const KEPT = 1_024;

/**
 * Watches the processes that have connected by their pidfds: one descriptor for each process, however many its
 * connections, kept until the process ends, because its leases outlive its connections.
 */
export class ProcessWatch {
  readonly #kernel: Pick<Kernel, 'hasExited'>;
  readonly #processes: Pick<ProcessTable, 'inodeOf'>;
  /** By inode: pidfs gives each process one that is not used again until the next boot. */
  readonly #entries = new Map<bigint, Entry>();
  #sweepAt = 64;

  constructor(kernel: Pick<Kernel, 'hasExited'>, processes: Pick<ProcessTable, 'inodeOf'>) {
    this.#kernel = kernel;
    this.#processes = processes;
  }

  /** Descriptors held for more than one connection. */
  get size(): number {
    return this.#entries.size;
  }

  /** Takes over `pidfd`, which this closes. */
  adopt(pidfd: number): WatchedProcess {
    const inode = this.#processes.inodeOf(pidfd);
    const known = inode === undefined ? undefined : this.#entries.get(inode);
    if (known) closeSync(pidfd);
    const entry: Entry = known ?? { pidfd, holders: 0, exited: false };
    entry.holders++;
    if (inode !== undefined && !known) {
      this.#entries.set(inode, entry);
      if (this.#entries.size >= this.#sweepAt) this.#sweep();
    }
    return {
      isRunning: () => this.#isRunning(entry),
      release: () => {
        entry.holders--;
        // Below Linux 6.9 all pidfds have one inode: nothing tells whose it is, so nothing is shared or kept.
        const keep = inode !== undefined && this.#entries.size <= KEPT && this.#isRunning(entry);
        if (entry.holders === 0 && !keep) this.#close(inode, entry);
      },
    };
  }

  #isRunning(entry: Entry): boolean | undefined {
    if (!entry.exited && entry.pidfd === undefined) return undefined;
    return !(entry.exited ||= this.#kernel.hasExited(entry.pidfd as number));
  }

  /** Closes what has ended since, in step with growth: the cost per connection stays the same. */
  #sweep(): void {
    for (const [inode, entry] of this.#entries) {
      if (entry.holders === 0 && this.#isRunning(entry) !== true) this.#close(inode, entry);
    }
    this.#sweepAt = Math.max(64, 2 * this.#entries.size);
  }

  #close(inode: bigint | undefined, entry: Entry): void {
    if (entry.pidfd !== undefined) closeSync(entry.pidfd);
    entry.pidfd = undefined;
    if (inode !== undefined) this.#entries.delete(inode);
  }
}
