import { open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TallystickError, type Clock } from '@tallystick/core';
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

/**
 * Opens what upstreams keep for this sidecar: a file that is appended to, one JSON line for each lease or for its end,
 * and written anew at each start.
 *
 * @throws {TallystickError} `state_unusable`
 */
export async function openUpstreamLeases(folder: string, clock: Pick<Clock, 'nowMs'>): Promise<UpstreamLeases> {
  const path = join(folder, FILE);
  try {
    const lines = await readLines(path);
    const earlier = [...lines.values()].filter(({ untilMs }) => untilMs > clock.nowMs());
    // Where there is no such file, there may never be need for one.
    if (lines.size > 0) await writeWhole(path, earlier);
    return new AppendedLeases(path, earlier);
  } catch (cause) {
    throw unusable(path, cause);
  }
}

class AppendedLeases implements UpstreamLeases {
  readonly earlier: readonly UpstreamLease[];
  readonly #path: string;
  #file: FileHandle | undefined;
  #waiting: string[] = [];
  #writing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(path: string, earlier: readonly UpstreamLease[]) {
    this.earlier = earlier;
    this.#path = path;
  }

  keep(lease: UpstreamLease): Promise<void> {
    return this.#append({ ...lease });
  }

  forget(leaseId: string): void {
    this.#append({ leaseId }).catch(() => {});
  }

  async close(): Promise<void> {
    await (this.#next ?? this.#writing).catch(() => {});
    await this.#file?.close();
  }

  /** Lines that come while the disk is busy share its next turn. */
  #append(line: Readonly<Record<string, unknown>>): Promise<void> {
    this.#waiting.push(`${JSON.stringify(line)}\n`);
    this.#next ??= this.#writing
      .catch(() => {})
      .then(() => {
        const text = this.#waiting.join('');
        this.#waiting = [];
        this.#next = undefined;
        return (this.#writing = this.#write(text));
      });
    return this.#next;
  }

  async #write(text: string): Promise<void> {
    try {
      this.#file ??= await openToAppend(this.#path);
      await this.#file.appendFile(text);
      await this.#file.datasync();
    } catch (cause) {
      throw unusable(this.#path, cause);
    }
  }
}

async function openToAppend(path: string): Promise<FileHandle> {
  const file = await open(path, 'a', 0o600);
  await syncFolder(dirname(path));
  return file;
}

async function readLines(path: string): Promise<Map<string, UpstreamLease>> {
  const leases = new Map<string, UpstreamLease>();
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  });
  // Without its end, the last line was never durable, and nothing was made by it.
  for (const line of text.split('\n').slice(0, -1)) {
    const lease = JSON.parse(line) as UpstreamLease | Pick<UpstreamLease, 'leaseId'>;
    if ('handle' in lease) leases.set(lease.leaseId, lease);
    else leases.delete(lease.leaseId);
  }
  return leases;
}

async function writeWhole(path: string, leases: readonly UpstreamLease[]): Promise<void> {
  const temporary = `${path}.new`;
  await rm(temporary, { force: true });
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(leases.map((lease) => `${JSON.stringify(lease)}\n`).join(''));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

function unusable(path: string, cause: unknown): TallystickError {
  return new TallystickError('state_unusable', `the file of what upstreams keep, "${path}", cannot be used`, { cause });
}
