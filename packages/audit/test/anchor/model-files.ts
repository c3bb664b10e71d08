import type { FileContent, LogFiles } from '../../src/log/log-files.ts';

/** Thrown by every call of a machine that has crashed. */
export class Crash extends Error {}

interface Content {
  durable: Buffer;
  cached: Buffer;
}

type Names = Map<string, Content>;
/** A change of one name, which happens whole or not at all; undefined unsets it. */
type Change = readonly [name: string, content: Content | undefined];

/** What ends the machine: a process that is killed leaves what was written, a loss of power only what was synced. */
export type Ending = 'killed' | 'power';

/**
 * Folders in memory that forget as real ones may: after a loss of power a file that was being written is cut off
 * anywhere, and of the names changed since their folder was synced any subset is there.
 */
export class ModelFiles implements LogFiles {
  /** Counts the calls that change something. */
  calls = 0;
  /** Called with the number of each such call; says how it fails. `crash-after`: it has had its effect. */
  fault: (call: number) => 'crash-before' | 'crash-after' | 'eio' | undefined = () => undefined;
  #dead = false;
  readonly #names: Names;
  readonly #durableNames: Names;
  #pending: Change[] = [];

  constructor(names: Names = new Map()) {
    this.#names = new Map(names);
    this.#durableNames = new Map(names);
  }

  /** Returns what a new process finds. `keep` decides about each thing that is not durable. */
  after(ending: Ending, keep: () => boolean): ModelFiles {
    if (ending === 'killed') {
      const killed = new ModelFiles(this.#durableNames);
      for (const [name, content] of this.#names) killed.#names.set(name, content);
      for (const name of this.#durableNames.keys()) if (!this.#names.has(name)) killed.#names.delete(name);
      killed.#pending = [...this.#pending];
      return killed;
    }
    const names = new Map(this.#durableNames);
    for (const change of this.#pending) if (keep()) apply(names, change);
    const found = [...names].map(([name, { durable, cached }]): [string, Content] => {
      const content = cached === durable || keep() ? durable : cached.subarray(0, Math.floor(cached.length / 2));
      return [name, { durable: content, cached: content }];
    });
    return new ModelFiles(new Map(found));
  }

  /** Every file that a reader finds, by path. */
  get content(): Record<string, string> {
    const found = [...this.#names].map(([name, { cached }]): [string, string] => [name, cached.toString('base64')]);
    return Object.fromEntries(found.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  put(path: string, bytes: Buffer): void {
    const content = { durable: bytes, cached: bytes };
    this.#names.set(path, content);
    this.#durableNames.set(path, content);
  }

  read: LogFiles['read'] = async (path) => {
    this.#alive();
    const content = this.#names.get(path);
    return content && Buffer.from(content.cached);
  };

  list = async (path: string): Promise<string[]> => {
    this.#alive();
    const below = [...this.#names.keys()].filter((name) => path === '' || name.startsWith(`${path}/`));
    return [...new Set(below.map((name) => name.slice(path === '' ? 0 : path.length + 1).split('/')[0]!))];
  };

  usage = async (): Promise<number> => 0;
  statfs = async () => ({ type: 0, totalBytes: 0, freeBytes: 0 });
  makeFolder = (): Promise<void> => this.#call(() => {});
  removeFolder = (): Promise<void> => this.#call(() => {});

  write = async (files: readonly FileContent[]): Promise<void> => {
    for (const { path, content } of files) await this.#write(path, content);
  };

  link = async (from: string, to: string): Promise<boolean> => {
    let linked = false;
    await this.#call(() => {
      linked = !this.#names.has(to);
      if (linked) this.#change([to, this.#names.get(from)!]);
    });
    return linked;
  };

  rename = (from: string, to: string): Promise<void> =>
    this.#call(() => {
      this.#change([to, this.#names.get(from)!]);
      this.#change([from, undefined]);
    });

  unlink = (path: string): Promise<void> => this.#call(() => this.#change([path, undefined]));

  syncFolder = (path: string): Promise<void> =>
    this.#call(() => {
      const inFolder = ([name]: Change): boolean => name.slice(0, Math.max(0, name.lastIndexOf('/'))) === path;
      for (const change of this.#pending.filter(inFolder)) apply(this.#durableNames, change);
      this.#pending = this.#pending.filter((change) => !inFolder(change));
    });

  async #write(path: string, bytes: Uint8Array): Promise<void> {
    const known = this.#names.get(path);
    const content = known ?? { durable: Buffer.alloc(0), cached: Buffer.alloc(0) };
    await this.#call(() => {
      if (!known) this.#change([path, content]);
      content.cached = Buffer.from(bytes);
    });
    await this.#call(() => {
      content.durable = content.cached;
    });
  }

  #change(change: Change): void {
    apply(this.#names, change);
    this.#pending.push(change);
  }

  async #call(effect: () => void): Promise<void> {
    this.#alive();
    const fault = this.fault(this.calls++);
    if (fault === 'crash-before' || fault === 'crash-after') this.#dead = true;
    if (fault === undefined || fault === 'crash-after') effect();
    if (this.#dead) throw new Crash('the machine has crashed');
    if (fault === 'eio') throw Object.assign(new Error('i/o error'), { code: 'EIO' });
  }

  #alive(): void {
    if (this.#dead) throw new Crash('the machine has crashed');
  }
}

function apply(names: Names, [name, content]: Change): void {
  if (content) names.set(name, content);
  else names.delete(name);
}
