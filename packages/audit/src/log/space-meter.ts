import type { LogFiles } from './log-files.ts';
import {
  durabilityOf,
  spaceLevel,
  spaceLimit,
  type Durability,
  type Space,
  type SpaceLevel,
  type SpaceLimit,
} from './space.ts';

/** Of the limit, how much an estimate grows before the files are counted again. */
const RECOUNT = 0.01;

/** Knows how much of its space a log has used: counted from time to time, estimated upwards between. */
export class SpaceMeter implements Space {
  readonly durability: Durability;
  readonly limit: SpaceLimit;
  readonly #files: LogFiles;
  #counted = 0;
  #used = 0;

  private constructor(files: LogFiles, durability: Durability, limit: SpaceLimit) {
    this.#files = files;
    this.durability = durability;
    this.limit = limit;
  }

  /** @param files The folder of all logs: they share the space. */
  static async open(files: LogFiles, localMax: number | undefined): Promise<SpaceMeter> {
    const facts = await files.statfs();
    const meter = new SpaceMeter(files, durabilityOf(facts), spaceLimit(facts, localMax));
    await meter.count();
    return meter;
  }

  get usedBytes(): number {
    return this.#used;
  }

  get level(): SpaceLevel {
    return spaceLevel(this.#used, this.limit);
  }

  /** Told of bytes that were written, or will be. */
  add(bytes: number): void {
    this.#used += bytes;
  }

  /** Counts again where that takes one call, or where the estimate says that space gets short. */
  async recount(): Promise<void> {
    const grown = this.#used - this.#counted >= this.limit.maxBytes * RECOUNT;
    if (this.limit.counts === 'file-system' || (grown && this.level !== 'ok')) await this.count();
  }

  /** Counts what is used now. */
  async count(): Promise<void> {
    if (this.limit.counts === 'log') {
      this.#counted = await this.#files.usage('');
    } else {
      const { totalBytes, freeBytes } = await this.#files.statfs();
      this.#counted = totalBytes - freeBytes;
    }
    this.#used = this.#counted;
  }
}
