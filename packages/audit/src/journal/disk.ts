/**
 * One folder of a file system, as the journal uses it: the calls whose durability matters, one by one and
 * synchronous, so that tests can stand for the disk. Names are plain file names in that folder.
 *
 * What was written is durable only after `datasync` of its file; a name that was made, renamed or removed only after
 * `syncFolder`. Every method throws what the system call says; a caller never repeats one that failed.
 */
export interface Disk {
  /** Makes a file, mode 0600. It must not exist. */
  create(name: string): DiskFile;
  /** Opens a file for reading and writing. It must exist. */
  open(name: string): DiskFile;
  /** The names in the folder, in no order. */
  list(): string[];
  rename(from: string, to: string): void;
  /** Gives a file a second name, which must not exist. */
  link(from: string, to: string): void;
  unlink(name: string): void;
  /** Makes the names of the folder durable. */
  syncFolder(): void;
  /** What the file system says of itself: its magic number (`statfs(2)`) and the bytes an ordinary user may still write. */
  statfs(): { readonly type: number; readonly freeBytes: number };
}

/** An open file of a {@link Disk}. */
export interface DiskFile {
  /** Length in bytes. */
  size(): number;
  /** Returns up to `length` bytes from `position`; fewer at the end of the file. */
  read(position: number, length: number): Uint8Array;
  /** Writes at `position` and returns how many bytes were taken, which may be fewer than given. */
  write(bytes: Uint8Array, position: number): number;
  /** Makes the content and the length durable. After a failure nothing of what was written since the last success may be believed. */
  datasync(): void;
  close(): void;
}

/**
 * Writes all of `bytes` at `position`, in as many calls as the disk takes.
 *
 * @throws what the disk throws; an Error when it takes nothing.
 */
export function writeAll(file: DiskFile, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length;) {
    const taken = file.write(at === 0 ? bytes : bytes.subarray(at), position + at);
    if (taken <= 0) throw new Error('the disk took nothing of a write');
    at += taken;
  }
}

/** Reads all of a file. */
export function readAll(disk: Disk, name: string): Buffer {
  const file = disk.open(name);
  try {
    const size = file.size();
    const bytes = Buffer.alloc(size);
    for (let at = 0; at < size;) {
      const part = file.read(at, size - at);
      if (part.length === 0) throw new Error('the file ended before its length');
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  } finally {
    file.close();
  }
}
