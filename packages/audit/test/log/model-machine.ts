import { readAll, writeAll, type Disk, type DiskFile } from '../../src/journal/disk.ts';
import type { LogFiles } from '../../src/log/log-files.ts';
import { Crash, ModelDisk, type Call, type Dice, type Fault, type Survival } from '../journal/model-disk.ts';

/** What stands in a folder for a folder in it: a name of its own, which is durable or not like any other. */
const FOLDER = '/';

/**
 * A machine with a tree of folders that forget as {@link ModelDisk} does. All stop at the same moment, in the middle
 * of whatever they do.
 */
export class ModelMachine {
  /** Called before each call that may fail; says how it fails. */
  fault: (call: Call) => Fault | undefined = () => undefined;
  readonly #throws: Dice;
  readonly #folders = new Map<string, ModelDisk>();
  #dead = false;

  constructor(throws: Dice) {
    this.#throws = throws;
    this.#add('', new ModelDisk(throws));
  }

  get hasUnsynced(): boolean {
    return [...this.#folders.values()].some((disk) => disk.hasUnsyncedNames || disk.hasUnsyncedSectors);
  }

  get hasForgotten(): boolean {
    return [...this.#folders.values()].some((disk) => disk.hasForgottenSectors);
  }

  /** Ends everything: whatever comes now finds no machine. */
  stop(): void {
    this.#dead = true;
  }

  /** The machine as a new process finds it when only the old process ended. */
  restarted(): ModelMachine {
    return this.#next((disk) => disk.restarted());
  }

  /** The machine after a loss of power. */
  afterPowerLoss(survival: Survival): ModelMachine {
    return this.#next((disk) => disk.afterPowerLoss(survival));
  }

  /** All files by path, as they read now. */
  files(): Map<string, Buffer> {
    const files = new Map<string, Buffer>();
    for (const [folder, disk] of this.#folders) {
      if (!this.#isThere(folder)) continue;
      for (const [name, content] of disk.files()) {
        if (!name.endsWith(FOLDER)) files.set(join(folder, name), content);
      }
    }
    return files;
  }

  /** Changes one byte on the platters. */
  flip(path: string, offset: number, mask: number): void {
    const [folder, name] = split(path);
    this.#folder(folder).flip(name, offset, mask);
  }

  /** Removes a file for good. */
  remove(path: string): void {
    const [folder, name] = split(path);
    this.#folder(folder).unlink(name);
    this.#folder(folder).syncFolder();
  }

  /** The journal's view of a folder. */
  disk(path: string): Disk {
    return this.#folder(path);
  }

  /** The log's view of a folder and what is below it. */
  logFiles(root: string): LogFiles {
    const place = (path: string): readonly [ModelDisk, string] => {
      this.#alive();
      const [folder, name] = split(join(root, path));
      return [this.#folder(folder), name];
    };
    const later = <T>(act: () => T): Promise<T> => Promise.resolve().then(act);
    return {
      read: (path) =>
        later(() => {
          const [disk, name] = place(path);
          return disk.list().includes(name) ? readAll(disk, name) : undefined;
        }),
      list: (path) =>
        later(() => {
          this.#alive();
          const folder = join(root, path);
          const names = this.#isThere(folder) ? this.#folder(folder).list() : [];
          return names.map((name) => name.replace(FOLDER, ''));
        }),
      usage: (path) =>
        later(() => {
          const below = join(root, path);
          return [...this.files()].reduce((sum, [at, { length }]) => sum + (at.startsWith(below) ? length : 0), 0);
        }),
      makeFolder: (path) =>
        later(() => {
          const [disk, name] = place(path);
          if (disk.list().includes(name + FOLDER)) return;
          this.#add(join(root, path), new ModelDisk(this.#throws));
          disk.create(name + FOLDER);
        }),
      write: async (files) => {
        const written: DiskFile[] = [];
        for (const { path, content } of files) {
          const [disk, name] = place(path);
          if (disk.list().includes(name)) await later(() => disk.unlink(name));
          const file = await later(() => disk.create(name));
          await later(() => writeAll(file, content, 0));
          written.push(file);
        }
        for (const file of written) await later(() => file.datasync());
      },
      link: (from, to) =>
        later(() => {
          const [disk, name] = place(to);
          if (disk.list().includes(name)) return false;
          disk.link(place(from)[1], name);
          return true;
        }),
      rename: (from, to) =>
        later(() => {
          const [disk, name] = place(to);
          disk.rename(place(from)[1], name);
        }),
      unlink: (path) =>
        later(() => {
          const [disk, name] = place(path);
          disk.unlink(name);
        }),
      removeFolder: (path) =>
        later(() => {
          const [disk, name] = place(path);
          disk.unlink(name + FOLDER);
        }),
      syncFolder: (path) => later(() => this.#folder(join(root, path)).syncFolder()),
      statfs: () => later(() => ({ type: 0xef53, totalBytes: 2 ** 40, freeBytes: 2 ** 39 })),
    };
  }

  /** Folders that nothing names are carried along: a loss of power may bring back a name that was removed. */
  #next(image: (disk: ModelDisk) => ModelDisk): ModelMachine {
    const machine = new ModelMachine(this.#throws);
    for (const [path, disk] of this.#folders) machine.#add(path, image(disk));
    return machine;
  }

  #add(path: string, disk: ModelDisk): void {
    disk.fault = (call) => {
      this.#alive();
      const fault = this.fault(call);
      if (fault === 'crash') this.#dead = true;
      return fault;
    };
    this.#folders.set(path, disk);
  }

  #folder(path: string): ModelDisk {
    const disk = this.#folders.get(path);
    if (!disk || !this.#isThere(path)) throw Object.assign(new Error(`no folder ${path}`), { code: 'ENOENT' });
    return disk;
  }

  #isThere(path: string): boolean {
    if (path === '') return true;
    const [folder, name] = split(path);
    return (
      this.#isThere(folder) &&
      this.#folders
        .get(folder)!
        .list()
        .includes(name + FOLDER)
    );
  }

  #alive(): void {
    if (this.#dead) throw new Crash();
  }
}

function join(folder: string, path: string): string {
  return [folder, path].filter((part) => part !== '').join('/');
}

function split(path: string): readonly [string, string] {
  const at = path.lastIndexOf('/');
  return [path.slice(0, Math.max(0, at)), path.slice(at + 1)];
}
