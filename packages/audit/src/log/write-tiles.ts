import { formatTilePath, type Tile } from '../tlog/tile.ts';
import { FolderMaker } from './folder-maker.ts';
import { LogError } from './log-error.ts';
import type { FileContent, LogFiles } from './log-files.ts';
import type { TileContent } from './tile-rows.ts';

/** What the name of a file ends in while it is being written. */
const TEMPORARY = '.tmp';
/** How much is written before it is made durable together: many files, but not all of a long growth in memory. */
const TOGETHER = { files: 64, bytes: 4 * 1024 * 1024 };

/** Puts a file in the place of one of that name, if there is one, durably. It is in the log's own folder. */
export async function replaceFile(files: LogFiles, name: string, content: Uint8Array): Promise<void> {
  await files.write([{ path: name + TEMPORARY, content }]);
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
    for (const group of groupsOf(tiles)) {
      await this.#writeTemporary(group);
      for (const { path, content } of group) {
        const linked = await this.#files.link(path + TEMPORARY, path);
        if (!linked && !(await this.#files.read(path))?.equals(content)) {
          throw new LogError('tile_differs', `"${path}" is there with another content than the records have`);
        }
        await this.#files.unlink(path + TEMPORARY);
        bytes += content.length;
      }
    }
    await this.#folders.sync();
    return bytes;
  }

  /** Puts right tiles that are missing or other than the records, durably, and returns their paths. */
  async repair(tiles: readonly TileContent[]): Promise<string[]> {
    const repaired: string[] = [];
    for (const group of groupsOf(tiles)) {
      const wrong: FileContent[] = [];
      for (const file of group) if (!(await this.#files.read(file.path))?.equals(file.content)) wrong.push(file);
      await this.#writeTemporary(wrong);
      for (const { path } of wrong) await this.#files.rename(path + TEMPORARY, path);
      repaired.push(...wrong.map(({ path }) => path));
    }
    await this.#folders.sync();
    return repaired;
  }

  /** Removes the partial tiles that full ones have replaced. That they are gone is durable at some later time. */
  async removePartials(full: readonly Tile[]): Promise<void> {
    for (const tile of full) {
      const folder = `${formatTilePath(tile)}.p`;
      const names = await this.#files.list(folder);
      if (names.length === 0) continue;
      for (const name of names) await this.#files.unlink(`${folder}/${name}`);
      await this.#files.removeFolder(folder);
      this.#folders.forget(folder);
    }
  }

  async #writeTemporary(group: readonly FileContent[]): Promise<void> {
    for (const { path } of group) await this.#folders.prepare(path);
    await this.#files.write(group.map(({ path, content }) => ({ path: path + TEMPORARY, content })));
  }
}

function* groupsOf(tiles: readonly TileContent[]): Generator<FileContent[]> {
  let group: FileContent[] = [];
  let bytes = 0;
  for (const { tile, content: make } of tiles) {
    const content = make();
    group.push({ path: formatTilePath(tile), content });
    bytes += content.length;
    if (group.length >= TOGETHER.files || bytes >= TOGETHER.bytes) {
      yield group;
      group = [];
      bytes = 0;
    }
  }
  if (group.length > 0) yield group;
}
