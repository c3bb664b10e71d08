/**
 * A place outside the machine where copies are kept. Paths are relative to it, with `/`. What was put there never
 * changes, and goes only where something wider stands for it: an object store does it with `If-None-Match: *` and a retention, a folder with `link(2)`.
 */
export interface ReplicaTarget {
  /**
   * Stores an object durably, unless one of that path is there, which stays as it is; returns false then. An object
   * appears whole or not at all.
   */
  putIfAbsent(path: string, content: Uint8Array): Promise<boolean>;
  /** Returns an object; undefined where there is none. */
  get(path: string): Promise<Uint8Array | undefined>;
  /** Takes an object away that another one holds the content of; no harm where there is none. */
  remove(path: string): Promise<void>;
  /**
   * Returns the paths of all objects below a folder, in no order.
   *
   * @param after Of those alone that sort behind this path, by code units.
   */
  list(folder: string, after?: string): Promise<string[]>;
}
