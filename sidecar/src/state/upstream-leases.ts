import { open, readFile, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TallystickError, type Clock } from '@tallystick/core';
import { replaceFile } from './replace-file.ts';
import { syncFolder } from './sync-folder.ts';

/** What ends upstream all that was made for a lease. Grants nothing, and is for nobody but us. */
export interface UpstreamLease {
  readonly leaseId: string;
  /** SPIFFE ID. */
  readonly identity: string;
  /** Id of the record of the intent: what becomes of it refers to that. */
  readonly intent: string;
  /** Name of the provider. */
  readonly provider: string;
  readonly handle: string;
  /** After this instant the upstream has ended it by itself, milliseconds since the epoch. */
  readonly untilMs: number;
}

/** What upstreams keep for leases of this sidecar, over a restart: what was made is found again, and ended. */
export interface UpstreamLeases {
  /** Those of earlier runs that may still be in force. */
  readonly earlier: readonly UpstreamLease[];
  /** Durable when it resolves. One that is kept again takes the place of the earlier. */
  keep(lease: UpstreamLease): Promise<void>;
  /** Not waited for: one that is ended twice upstream is found not to be there. */
  forget(leaseId: string): void;
  /** Waits for what was begun. */
  close(): Promise<void>;
}

const FILE = 'upstream-leases.jsonl';
/** The file is written anew when it has this many lines more than twice those that were of use the last time. */
const SLACK_LINES = 10_000;
/** Lines that are read or written in a row, before others may run. */
const BATCH = 2000;

/**
 * Opens what upstreams keep for this sidecar: a file that is appended to, one JSON line for each lease or for its end,
 * and written anew at each start, and when most of it is of no use any more.
 *
 * @param slackLines Default 10,000.
 * @throws {TallystickError} `state_unusable`
 */
export async function openUpstreamLeases(
  folder: string,
  clock: Pick<Clock, 'nowMs'>,
  slackLines = SLACK_LINES,
): Promise<UpstreamLeases> {
  const path = join(folder, FILE);
  try {
    const earlier = await compact(path, clock.nowMs());
    return new AppendedLeases({ path, earlier: earlier ?? [], clock, slackLines });
  } catch (cause) {
    throw unusable(path, cause);
  }
}

class AppendedLeases implements UpstreamLeases {
  readonly earlier: readonly UpstreamLease[];
  readonly #path: string;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #slackLines: number;
  #file: { readonly handle: FileHandle; size: number } | undefined;
  #lines: number;
  #compactAt: number;
  #waiting: string[] = [];
  #writing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(options: {
    readonly path: string;
    readonly earlier: readonly UpstreamLease[];
    readonly clock: Pick<Clock, 'nowMs'>;
    readonly slackLines: number;
  }) {
    const { path, earlier, clock, slackLines } = options;
    this.earlier = earlier;
    this.#path = path;
    this.#clock = clock;
    this.#slackLines = slackLines;
    this.#lines = earlier.length;
    this.#compactAt = 2 * earlier.length + slackLines;
  }

  keep(lease: UpstreamLease): Promise<void> {
    return this.#append({ ...lease });
  }

  forget(leaseId: string): void {
    this.#append({ leaseId }).catch(() => {});
  }

  async close(): Promise<void> {
    await (this.#next ?? this.#writing).catch(() => {});
    await this.#file?.handle.close();
  }

  /** Lines that come while the disk is busy share its next turn. */
  #append(line: Readonly<Record<string, unknown>>): Promise<void> {
    this.#waiting.push(`${JSON.stringify(line)}\n`);
    this.#next ??= this.#writing
      .catch(() => {})
      .then(() => {
        const lines = this.#waiting;
        this.#waiting = [];
        this.#next = undefined;
        return (this.#writing = this.#write(lines));
      });
    return this.#next;
  }

  async #write(lines: readonly string[]): Promise<void> {
    try {
      if (this.#lines > this.#compactAt) await this.#compact();
      this.#file ??= await openToAppend(this.#path);
      const { handle, size } = this.#file;
      // What a full disk has cut off must not stand before the next line.
      await handle.truncate(size);
      const text = lines.join('');
      await handle.appendFile(text);
      await handle.datasync();
      this.#file.size = size + Buffer.byteLength(text);
      this.#lines += lines.length;
    } catch (cause) {
      throw unusable(this.#path, cause);
    }
  }

  async #compact(): Promise<void> {
    await this.#file?.handle.close();
    this.#file = undefined;
    const left = await compact(this.#path, this.#clock.nowMs());
    this.#lines = left?.length ?? 0;
    this.#compactAt = 2 * this.#lines + this.#slackLines;
  }
}

async function openToAppend(path: string): Promise<{ readonly handle: FileHandle; size: number }> {
  const handle = await open(path, 'a', 0o600);
  await syncFolder(dirname(path));
  const { size } = await handle.stat();
  return { handle, size };
}

/** Writes the file anew with what is of use, and returns that; undefined where there is no file. */
async function compact(path: string, nowMs: number): Promise<readonly UpstreamLease[] | undefined> {
  const leases = await readLeases(path);
  if (!leases) return undefined;
  const left = [...leases.values()].filter(({ untilMs }) => untilMs > nowMs);
  await replaceFile(path, batches(left), 0o600);
  return left;
}

async function readLeases(path: string): Promise<ReadonlyMap<string, UpstreamLease> | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const leases = new Map<string, UpstreamLease>();
  // Without its end, the last line was never durable, and nothing was made by it.
  for (const [i, line] of text.split('\n').slice(0, -1).entries()) {
    const lease = JSON.parse(line) as UpstreamLease | Pick<UpstreamLease, 'leaseId'>;
    if ('handle' in lease) leases.set(lease.leaseId, lease);
    else leases.delete(lease.leaseId);
    if (i % BATCH === BATCH - 1) await new Promise(setImmediate);
  }
  return leases;
}

function* batches(leases: readonly UpstreamLease[]): Generator<string> {
  for (let from = 0; from < leases.length; from += BATCH) {
    const some = leases.slice(from, from + BATCH);
    yield some.map((lease) => `${JSON.stringify(lease)}\n`).join('');
  }
}

function unusable(path: string, cause: unknown): TallystickError {
  return new TallystickError('state_unusable', `the file of what upstreams keep, "${path}", cannot be used`, { cause });
}
