import { leafHash, merkleRoot } from '@tallystick/core';
import { CompactRange } from '../../src/tlog/compact-range.ts';
import { decodeEntryBundle } from '../../src/tlog/entry-bundle.ts';
import { logVerifier, publicNoteKey } from '../../src/tlog/log-signer.ts';
import { KEY_TYPE } from '../../src/tlog/note-key.ts';
import { formatTilePath, TILE_WIDTH, type Tile } from '../../src/tlog/tile.ts';
import { openHead, type SignedHead } from '../../src/log/published-head.ts';
import { tileLeavesOf, TileRows } from '../../src/log/tile-rows.ts';
import type { NoteVerifier } from '../../src/tlog/signed-note.ts';
import type { LogWriter } from '../../src/log/log.ts';
import { keyOf } from './test-log.ts';

/** Each shard of a log has the key of its number. */
function verifierOf(origin: string): NoteVerifier {
  const privateKey = keyOf(Number(/\d+$/.exec(origin)![0]));
  return logVerifier(publicNoteKey({ name: origin, privateKey }, KEY_TYPE.ed25519));
}

/** Returns the text of a record of a log that is published, by its files. */
export function publishedRecord(files: ReadonlyMap<string, Buffer>, folder: string, seq: number): string {
  const path = formatTilePath({ level: 'entries', index: Math.floor(seq / TILE_WIDTH), width: TILE_WIDTH });
  for (const [name, content] of files) {
    if (!name.startsWith(`${folder}/${path}`) || name.endsWith('.tmp')) continue;
    const width = Number(/\.p\/(\d+)$/.exec(name)?.[1] ?? TILE_WIDTH);
    if (width > seq % TILE_WIDTH) return String(decodeEntryBundle(content, width)[seq % TILE_WIDTH]);
  }
  throw new Error(`record ${seq} is not published`);
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** What must be true of a log, as its user knows it: what was acknowledged, what may have been lost, what was shown. */
export class LogLedger {
  readonly #records: Buffer[] = [];
  /** Appended without an acknowledgement: each may be found, or not, once. */
  #inFlight = new Map<number, Buffer>();
  #acknowledged = 0;
  readonly #shown = new Map<number, string>();

  /** How many records are known to be in the log. */
  get size(): number {
    return this.#records.length;
  }

  appending(seq: number, record: Buffer): void {
    this.#inFlight.set(seq, record);
  }

  acknowledge(seq: number, hash: Uint8Array): void {
    const record = this.#inFlight.get(seq);
    if (!record || !leafHash(record).equals(hash)) throw new Error(`record ${seq} was acknowledged as another`);
    this.#acknowledged = Math.max(this.#acknowledged, seq + 1);
  }

  /** A head that a reader could see. */
  show(head: SignedHead | undefined): void {
    if (!head) return;
    const root = text(head.root);
    if ((this.#shown.get(head.size) ?? root) !== root) throw new Error(`two heads of size ${head.size}`);
    this.#shown.set(head.size, root);
  }

  /** Throws unless a record is the one that was appended at an index. */
  mustBe(seq: number, record: Uint8Array): void {
    const known = this.#records[seq] ?? this.#inFlight.get(seq);
    if (!known || Buffer.compare(known, record) !== 0)
      throw new Error(`record ${seq} is not the one that was appended`);
  }

  /** Throws where a log that was opened again broke a promise. */
  async check(log: LogWriter): Promise<void> {
    const found: Buffer[] = [];
    const size = log.head()?.size ?? 0;
    for await (const record of log.readRecords(0, size)) found.push(Buffer.from(record));
    if (found.length !== size) throw new Error(`a log of ${size} records has ${found.length}`);
    if (size < this.#acknowledged) throw new Error(`acknowledged record ${size} is gone`);
    for (const [seq, record] of found.entries()) {
      this.mustBe(seq, record);
      this.#records[seq] ??= record;
    }
    if (size < this.#records.length) throw new Error(`record ${size} was there, and is gone`);
    // What is not there now must never come: another record takes its place.
    this.#inFlight = new Map();
    this.#acknowledged = size;
    this.show(log.head());
    const range = new CompactRange();
    for (const record of this.#records) {
      range.append(leafHash(record));
      const root = this.#shown.get(range.size);
      if (root !== undefined && text(range.root()) !== root) {
        throw new Error(`a head of size ${range.size} was shown that the log contradicts`);
      }
    }
    for (const shown of this.#shown.keys()) {
      if (shown > size) throw new Error(`a head of size ${shown} was shown, and the log ends at ${size}`);
    }
  }

  /** Throws unless all that was acknowledged is under the last head of a shard that another has followed. */
  checkClosed(head: SignedHead | undefined): void {
    if ((head?.size ?? 0) < this.#acknowledged) throw new Error('a shard was closed without all its records');
  }

  /** Throws unless the published checkpoint of an image is signed, and every tile below it is there and right. */
  checkPublished(files: ReadonlyMap<string, Buffer>, folder: string, origin: string): SignedHead | undefined {
    const bytes = files.get(`${folder}/checkpoint`);
    if (!bytes) return undefined;
    const head = openHead(bytes, verifierOf(origin));
    this.show(head);
    const find = (tile: Tile): { content: Buffer; width: number } => {
      for (const width of [tile.width, TILE_WIDTH]) {
        const content = files.get(`${folder}/${formatTilePath({ ...tile, width })}`);
        if (content) return { content, width };
      }
      throw new Error(`${formatTilePath(tile)} is missing under the published checkpoint`);
    };
    const records: Uint8Array[] = [];
    for (let from = 0; from < head.size; from += TILE_WIDTH) {
      const tile = {
        level: 'entries',
        index: from / TILE_WIDTH,
        width: Math.min(TILE_WIDTH, head.size - from),
      } as const;
      const { content, width } = find(tile);
      records.push(...decodeEntryBundle(content, width).slice(0, tile.width));
    }
    const hashes = records.map((record) => leafHash(record));
    if (!merkleRoot(hashes).equals(head.root)) throw new Error('the bundles lead to another root than the checkpoint');
    const leaves = { record: (seq: number) => records[seq]!, leafHash: (seq: number) => hashes[seq]! };
    for (const { tile, content } of TileRows.empty().grow(head.size, tileLeavesOf(leaves))) {
      if (tile.level === 'entries') continue;
      const expected = content();
      if (!find(tile).content.subarray(0, expected.length).equals(expected)) {
        throw new Error(`${formatTilePath(tile)} is not what the records make it`);
      }
    }
    return head;
  }
}
