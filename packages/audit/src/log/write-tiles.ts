import { formatTilePath, TILE_WIDTH, type Tile } from '../tlog/tile.ts';
import { FolderMaker } from './folder-maker.ts';
import { LogError } from './log-error.ts';
import type { LogFiles } from './log-files.ts';
import type { TileContent } from './tile-rows.ts';

/** What the name of a file ends in while it is being written. */
const TEMPORARY = '.tmp';
/** How many files are being written at the same time: what is known to a file system together it makes durable together. */
const AT_ONCE = 4;

/** Puts a file in the place of one of that name, if there is one, durably. It is in the log's own folder. */
export async function replaceFile(files: LogFiles, name: string, content: Uint8Array): Promise<void> {
  await files.write(name + TEMPORARY, content);
  await files.rename(name + TEMPORARY, name);
  await files.syncFolder('');
}

/** Puts tiles below a log's folder. */
export class TileWriter {
  readonly #files: LogFiles;
  readonly #folders: FolderMaker;

  constructor(files: LogFiles) {
    this.#files = files;
    this.#folders = new FolderMaker(files);
  }

  /**
   * Writes tiles and returns their bytes when all are durable. A tile that is there already stays; it is the same.
   *
   * @throws {LogError} `tile_differs`: one is there with another content. A tile never changes, so one of the two is
   *   not of this log.
   */
  async write(tiles: readonly TileContent[]): Promise<number> {
    let bytes = 0;
    await this.#each(tiles, async ({ tile, content: make }) => {
      const path = formatTilePath(tile);
      const content = make();
      await this.#folders.prepare(path);
      await this.#files.write(path + TEMPORARY, content);
      const linked = await this.#files.link(path + TEMPORARY, path);
      if (!linked && !(await this.#files.read(path))?.equals(content)) {
        throw new LogError('tile_differs', `"${path}" is there with another content than the records have`);
      }
      await this.#files.unlink(path + TEMPORARY);
      bytes += content.length;
    });
    await this.#folders.sync();
    return bytes;
  }

  /** Puts right tiles that are missing or other than the records, durably, and returns their paths. */
  async repair(tiles: readonly TileContent[]): Promise<string[]> {
    const repaired: string[] = [];
    await this.#each(tiles, async ({ tile, content: make }) => {
      const path = formatTilePath(tile);
      const content = make();
      if ((await this.#files.read(path))?.equals(content)) return;
      await this.#folders.prepare(path);
      await this.#files.write(path + TEMPORARY, content);
      await this.#files.rename(path + TEMPORARY, path);
      repaired.push(path);
    });
    await this.#folders.sync();
    return repaired;
  }

  /** Removes the partial tiles that full ones have replaced. That they are gone is durable at some later time. */
  async removePartials(full: readonly Tile[]): Promise<void> {
    await this.#each(full, async (tile) => {
      const folder = `${formatTilePath({ ...tile, width: TILE_WIDTH })}.p`;
      const names = await this.#files.list(folder);
      if (names.length === 0) return;
      for (const name of names) await this.#files.unlink(`${folder}/${name}`);
      await this.#files.removeFolder(folder);
      this.#folders.forget(folder);
    });
  }

  async #each<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
    const rest = items.values();
    const work = async (): Promise<void> => {
      for (const item of rest) await act(item);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }
}
