import type { Disk, DiskFile } from '../../src/journal/disk.ts';

const SECTOR = 512;

/** A call to the disk that may be made to fail. */
export type Call = 'create' | 'write' | 'datasync' | 'rename' | 'unlink' | 'syncFolder';

/**
 * `crash`: the machine or the process ends during the call, which may or may not have had its effect. `eio`: the call
 * fails; a sync that fails has written any part of what it should, and forgets the rest. `enospc`: no space is left.
 * `short`: a write takes a part, up to the end of any sector, as Linux does.
 */
export type Fault = 'crash' | 'eio' | 'enospc' | 'short';

/** What survives a loss of power of what was written since the last sync: a part from the start, any part, all but a little. */
export type Survival = 'torn' | 'reordered' | 'dropped';

/** Thrown by every call of a machine that has crashed. */
export class Crash extends Error {}

interface File {
  /** What is on the platters. */
  durable: Buffer;
  /** What a read returns. */
  cached: Buffer;
  /** Sectors and lengths written since the last sync, in order. */
  pending: ({ sector: number; content: Buffer } | { length: number })[];
  /** Sectors that a failed sync forgot: clean in the cache, absent from the platters. */
  readonly lost: Set<number>;
}

/** One change of names, which happens whole or not at all. */
interface FolderChange {
  readonly set?: readonly [name: string, file: File];
  readonly unset?: string;
}

/** Integers in [0, below), repeatable. */
export type Dice = (below: number) => number;

/** mulberry32: the same seed gives the same throws everywhere. */
export function dice(seed: number): Dice {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/**
 * A disk in memory that forgets as a real one may: of what was written after the last sync of a file any subset of its
 * 512-byte sectors is there after a loss of power, and of what was done to names after the last sync of the folder any
 * subset of the changes.
 */
export class ModelDisk implements Disk {
  /** Called before each call that may fail; says how it fails. */
  fault: (call: Call) => Fault | undefined = () => undefined;
  calls = 0;
  readonly #dice: Dice;
  readonly #names: Map<string, File>;
  readonly #durableNames: Map<string, File>;
  #folderPending: FolderChange[];
  #dead = false;

  constructor(
    throws: Dice,
    names = new Map<string, File>(),
    durableNames = new Map<string, File>(),
    pending: FolderChange[] = [],
  ) {
    this.#dice = throws;
    this.#names = names;
    this.#durableNames = durableNames;
    this.#folderPending = pending;
  }

  get hasUnsyncedNames(): boolean {
    return this.#folderPending.length > 0;
  }

  get hasUnsyncedSectors(): boolean {
    return [...this.#names.values()].some(({ pending }) => pending.length > 0);
  }

  /** True when a failed sync has forgotten something that a read still returns. */
  get hasForgottenSectors(): boolean {
    return [...this.#names.values()].some(({ lost }) => lost.size > 0);
  }

  /** The disk as a new process finds it when only the old process ended. Of what a failed sync forgot the cache may have let go. */
  restarted(): ModelDisk {
    for (const file of new Set(this.#names.values())) {
      for (const sector of file.lost) {
        if (this.#dice(2) === 0) copySector(file.durable, file.cached, sector);
      }
    }
    return new ModelDisk(this.#dice, this.#names, this.#durableNames, this.#folderPending);
  }

  /** The disk as a machine finds it after a loss of power. */
  afterPowerLoss(survival: Survival): ModelDisk {
    const images = new Map<File, File>();
    const image = (file: File): File => {
      let found = images.get(file);
      if (!found) images.set(file, (found = this.#survivor(file, survival)));
      return found;
    };
    const names = new Map([...this.#durableNames].map(([name, file]) => [name, image(file)]));
    for (const change of this.#folderPending) {
      if (this.#dice(2) === 0) continue;
      if (change.set) names.set(change.set[0], image(change.set[1]));
      if (change.unset !== undefined) names.delete(change.unset);
    }
    return new ModelDisk(this.#dice, names, new Map(names));
  }

  /** The files as they read now. */
  files(): Map<string, Buffer> {
    return new Map([...this.#names].map(([name, { cached }]) => [name, Buffer.from(cached)]));
  }

  /** Changes one byte on the platters. */
  flip(name: string, offset: number, mask: number): void {
    const file = this.#names.get(name)!;
    file.cached[offset]! ^= mask;
    file.durable = Buffer.from(file.cached);
  }

  create(name: string): DiskFile {
    if (this.#names.has(name)) throw errno('EEXIST');
    const file: File = { durable: Buffer.alloc(0), cached: Buffer.alloc(0), pending: [], lost: new Set() };
    this.#enter('create', () => this.#set(name, file));
    this.#set(name, file);
    return this.#handle(file);
  }

  open(name: string): DiskFile {
    this.#alive();
    const file = this.#names.get(name);
    if (!file) throw errno('ENOENT');
    return this.#handle(file);
  }

  list(): string[] {
    this.#alive();
    return [...this.#names.keys()];
  }

  rename(from: string, to: string): void {
    const act = (): void => {
      const file = this.#names.get(from)!;
      this.#names.set(to, file);
      this.#names.delete(from);
      this.#folderPending.push({ set: [to, file], unset: from });
    };
    this.#enter('rename', act);
    act();
  }

  link(from: string, to: string): void {
    this.#alive();
    if (this.#names.has(to)) throw errno('EEXIST');
    this.#set(to, this.#names.get(from)!);
  }

  unlink(name: string): void {
    const act = (): void => {
      if (!this.#names.delete(name)) throw errno('ENOENT');
      this.#folderPending.push({ unset: name });
    };
    this.#enter('unlink', act);
    act();
  }

  syncFolder(): void {
    const act = (): void => {
      this.#durableNames.clear();
      for (const [name, file] of this.#names) this.#durableNames.set(name, file);
      this.#folderPending = [];
    };
    this.#enter('syncFolder', act);
    act();
  }

  statfs(): { type: number; freeBytes: number } {
    return { type: 0xef53, freeBytes: 2 ** 30 };
  }

  #alive(): void {
    if (this.#dead) throw new Crash();
  }

  #enter(call: Call, act: () => void): void {
    this.#alive();
    this.calls++;
    const fault = this.fault(call);
    if (fault === 'crash') {
      if (this.#dice(2) === 0) act();
      this.#dead = true;
      throw new Crash();
    }
    if (fault === 'eio') throw errno('EIO');
    if (fault === 'enospc') throw errno('ENOSPC');
  }

  #set(name: string, file: File): void {
    this.#names.set(name, file);
    this.#folderPending.push({ set: [name, file] });
  }

  #handle(file: File): DiskFile {
    return {
      size: () => file.cached.length,
      read: (position, length) => {
        this.#alive();
        return Buffer.from(file.cached.subarray(position, position + length));
      },
      write: (bytes, position) => {
        this.#alive();
        this.calls++;
        const fault = this.fault('write');
        const taken = fault === undefined ? bytes.length : this.#part(bytes.length, fault);
        write(file, bytes.subarray(0, taken), position);
        switch (fault) {
          case 'crash':
            this.#dead = true;
            throw new Crash();
          case 'eio':
            throw errno('EIO');
          case 'enospc':
            throw errno('ENOSPC');
          default:
            return taken;
        }
      },
      datasync: () => {
        this.#alive();
        this.calls++;
        const fault = this.fault('datasync');
        switch (fault) {
          case 'crash':
            if (this.#dice(2) === 0) sync(file);
            this.#dead = true;
            throw new Crash();
          case 'eio':
          case 'enospc':
            this.#syncAndForget(file);
            throw errno(fault === 'eio' ? 'EIO' : 'ENOSPC');
          default:
            sync(file);
        }
      },
      close: () => {},
    };
  }

  /** How much of a write is taken. It ends where a page of the cache does, so never inside a sector. */
  #part(length: number, fault: Fault): number {
    const sectors = Math.ceil(length / SECTOR);
    const taken = fault === 'short' ? 1 + this.#dice(sectors) : this.#dice(sectors + 1);
    return Math.min(length, taken * SECTOR);
  }

  #syncAndForget(file: File): void {
    const kept = file.pending.filter(() => this.#dice(2) === 0);
    for (const entry of file.pending) if ('sector' in entry) file.lost.add(entry.sector);
    file.durable = applied(file.durable, kept);
    file.pending = [];
  }

  #survivor(file: File, survival: Survival): File {
    const { pending } = file;
    const cut = this.#dice(pending.length + 1);
    const kept = pending.filter((entry, index) => {
      if ('length' in entry) return this.#dice(2) === 0;
      switch (survival) {
        case 'torn':
          return index < cut;
        case 'reordered':
          return this.#dice(2) === 0;
        case 'dropped':
          return this.#dice(8) > 0;
      }
    });
    const durable = applied(file.durable, kept);
    return { durable, cached: Buffer.from(durable), pending: [], lost: new Set() };
  }
}

function write(file: File, bytes: Uint8Array, position: number): void {
  const end = position + bytes.length;
  if (end > file.cached.length) {
    file.cached = Buffer.concat([file.cached, Buffer.alloc(end - file.cached.length)]);
    file.pending.push({ length: end });
  }
  file.cached.set(bytes, position);
  for (let sector = Math.floor(position / SECTOR); sector * SECTOR < end; sector++) {
    file.pending.push({ sector, content: Buffer.from(file.cached.subarray(sector * SECTOR, (sector + 1) * SECTOR)) });
  }
}

function sync(file: File): void {
  file.durable = applied(file.durable, file.pending);
  file.pending = [];
}

/** The content after some of the writes; a sector beyond the length is not part of it. */
function applied(durable: Buffer, entries: File['pending']): Buffer {
  const length = Math.max(durable.length, ...entries.map((entry) => ('length' in entry ? entry.length : 0)));
  const after = Buffer.alloc(length);
  durable.copy(after);
  for (const entry of entries) {
    if ('sector' in entry && entry.sector * SECTOR < length) entry.content.copy(after, entry.sector * SECTOR);
  }
  return after;
}

function copySector(from: Buffer, to: Buffer, sector: number): void {
  const at = sector * SECTOR;
  to.fill(0, at, Math.min(to.length, at + SECTOR));
  if (at < from.length) from.copy(to, at, at, at + SECTOR);
}

function errno(code: string): Error {
  return Object.assign(new Error(code), { code });
}
