import { dirname } from 'node:path/posix';
import { FolderMaker } from '../log/folder-maker.ts';
import type { LogFiles } from '../log/log-files.ts';
import type { ReplicaTarget } from './replica-target.ts';

/** What the name of a file ends in while it is being written. */
const TEMPORARY = '.tmp';

/**
 * Returns a replica in a folder: of another disk, or a bucket that is mounted. Whoever can write to it can change it, as
 * any folder; what cannot is a store with retention. One writer at a time.
 *
 * After a call to the disk that failed it stores nothing more: what it has to compare with may be in the page cache alone.
 */
export function createFolderTarget(files: LogFiles): ReplicaTarget {
  const folders = new FolderMaker(files);
  const list = async (folder: string): Promise<string[]> => {
    const paths: string[] = [];
    for (const name of await files.list(folder)) {
      const path = `${folder}/${name}`;
      // Names of tiles and heads tell folders and files apart; a listing asks the disk for nothing more.
      if (isFolder(name)) paths.push(...(await list(path)));
      else if (!name.endsWith(TEMPORARY)) paths.push(path);
    }
    return paths;
  };
  const put = async (path: string, content: Uint8Array): Promise<boolean> => {
    await folders.prepare(path);
    if ((await files.read(path)) !== undefined) {
      // What a crash has left under the temporary name may be this very file: it is not to be written again.
      if ((await files.read(path + TEMPORARY)) !== undefined) await files.unlink(path + TEMPORARY);
      // Its name may not be durable yet.
      await folders.sync();
      return false;
    }
    await files.write([{ path: path + TEMPORARY, content }]);
    const stored = await files.link(path + TEMPORARY, path);
    await files.unlink(path + TEMPORARY);
    await folders.sync();
    return stored;
  };
  let failure: { readonly error: unknown } | undefined;
  return {
    async putIfAbsent(path, content) {
      if (failure) throw failure.error;
      try {
        return await put(path, content);
      } catch (error) {
        failure = { error };
        throw error;
      }
    },
    async remove(path) {
      if ((await files.read(path)) === undefined) return;
      await files.unlink(path);
      const folder = dirname(path);
      // That of the partial tiles of one index: a full one has taken their place.
      if (folder.endsWith('.p') && (await files.list(folder)).length === 0) {
        await files.removeFolder(folder);
        folders.forget(folder);
      }
    },
    get: (path) => files.read(path),
    list: async (folder, after = '') => (await list(folder)).filter((path) => path > after),
  };
}

/** A group of three digits of a tile's index, or what holds the partial ones of one (tlog-tiles, Merkle Tree). */
const isFolder = (name: string): boolean => /^x[0-9]{3}$|^[0-9]{3}\.p$/.test(name);
