import type { HeadsFile } from '../../src/anchor/heads-file.ts';

/** A file in memory, whose appends may fail or be cut off. */
export class MemoryHeadsFile implements HeadsFile {
  bytes: Buffer;
  /** Returns how many bytes of an append get in before it fails; undefined where it does not. */
  failAfter: (length: number) => number | undefined = () => undefined;

  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.bytes = bytes;
  }

  size = async (): Promise<number> => this.bytes.length;
  read = async (from: number): Promise<Buffer> => this.bytes.subarray(from);

  append = async (bytes: Uint8Array): Promise<void> => {
    const taken = this.failAfter(bytes.length);
    this.bytes = Buffer.concat([this.bytes, bytes.subarray(0, taken)]);
    if (taken !== undefined) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  };

  cut = async (size: number): Promise<void> => {
    this.bytes = this.bytes.subarray(0, size);
  };

  close = async (): Promise<void> => {};
}
