import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { leafHash } from '@tallystick/core';
import {
  CompactRange,
  encodeEntryBundle,
  formatHead,
  formatTilePath,
  formatVkey,
  KEY_TYPE,
  logSigner,
  publicNoteKey,
  signCheckpoint,
  tileHash,
  tilesOfGrowth,
  TILE_WIDTH,
  type Checkpoint,
  type NoteSigner,
} from '../../src/index.ts';

/** A log's folder in memory, as a writer leaves it: file contents by path. */
export interface WrittenLog {
  readonly files: Map<string, Buffer>;
  readonly vkey: string;
  readonly head: Checkpoint;
  readonly privateKey: KeyObject;
  /** The records of a log that is small enough to keep them. */
  readonly records: readonly Buffer[];
}

export interface WriteLogOptions {
  readonly origin?: string;
  readonly privateKey?: KeyObject;
  /** Witnesses that cosign the checkpoint and the heads. */
  readonly witnesses?: readonly NoteSigner[];
  /** Sizes at which a head was anchored. */
  readonly anchored?: readonly number[];
  readonly recordAt?: (index: number) => Buffer;
}

export const ORIGIN = 'acme.example/sidecar-1/1/1';

/** Returns the record that a written log has at an index. */
export function recordAt(index: number): Buffer {
  return Buffer.from(JSON.stringify({ id: `record-${index}`, seq: index, type: 'test.record', v: 1 }));
}

/** Writes a log of so many records into memory, all at once. */
export function writeLog(size: number, options: WriteLogOptions = {}): WrittenLog {
  const { origin = ORIGIN, witnesses = [], anchored = [] } = options;
  const privateKey = options.privateKey ?? generateKeyPairSync('ed25519').privateKey;
  const signers = [logSigner({ name: origin, privateKey }), ...witnesses];
  const records = Array.from({ length: size }, (_, i) => (options.recordAt ?? recordAt)(i));
  const files = new Map<string, Buffer>();
  const leafHashes = records.map((record) => leafHash(record));
  const range = new CompactRange();
  const heads: Buffer[] = [];
  for (let count = 0; count <= size; count += 1) {
    if (count > 0) range.append(leafHashes[count - 1]!);
    if (anchored.includes(count)) {
      heads.push(formatHead(signCheckpoint({ origin, size: count, root: range.root() }, signers)));
    }
  }
  for (const tile of tilesOfGrowth(0, size)) {
    const { level, index, width } = tile;
    const from = index * TILE_WIDTH;
    const below = (i: number): Buffer =>
      tileHash(files.get(formatTilePath({ level: Number(level) - 1, index: from + i, width: TILE_WIDTH }))!);
    const bytes =
      level === 'entries'
        ? encodeEntryBundle(records.slice(from, from + width))
        : level === 0
          ? Buffer.concat(leafHashes.slice(from, from + width))
          : Buffer.concat(Array.from({ length: width }, (_, i) => below(i)));
    files.set(formatTilePath(tile), bytes);
  }
  const head = { origin, size, root: range.root() };
  files.set('checkpoint', signCheckpoint(head, signers));
  if (heads.length > 0) files.set('heads', Buffer.concat(heads));
  const vkey = formatVkey(publicNoteKey({ name: origin, privateKey }, KEY_TYPE.ed25519));
  files.set('vkey', Buffer.from(`${vkey}\n`));
  return { files, vkey, head, privateKey, records };
}

/** Returns a log whose folder is another one, with the same key. */
export function tampered(log: WrittenLog, change: (files: Map<string, Buffer>) => void): WrittenLog {
  const files = new Map([...log.files].map(([path, bytes]) => [path, Buffer.from(bytes)]));
  change(files);
  return { ...log, files };
}

/** Flips a bit of a file. */
export function flip(files: Map<string, Buffer>, path: string, at: number, mask = 1): void {
  const bytes = files.get(path)!;
  bytes[at] = bytes[at]! ^ mask;
}

/** Puts the files below a folder of this machine. */
export function putFiles(folder: string, files: ReadonlyMap<string, Buffer>): void {
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
}
