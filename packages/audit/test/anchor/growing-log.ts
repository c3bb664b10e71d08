import { generateKeyPairSync } from 'node:crypto';
import { leafHash, merkleRoot } from '@tallystick/core';
import {
  formatAddCheckpoint,
  formatVkey,
  KEY_TYPE,
  logSigner,
  logVerifier,
  proveConsistency,
  publicNoteKey,
  signCheckpoint,
  type HashReader,
  type NotePrivateKey,
} from '../../src/index.ts';

export const ORIGIN = 'acme.example/sidecar-1/1/1';

/** Returns a new Ed25519 key under a name. */
export function newKey(name: string): NotePrivateKey {
  return { name, privateKey: generateKeyPairSync('ed25519').privateKey };
}

/** A log in memory whose every head can be signed, honestly or not: it is told which leaves it has. */
export class GrowingLog {
  readonly key: NotePrivateKey;
  readonly #leaf: (index: number) => Buffer;
  readonly #hashes: Buffer[] = [];

  constructor(key: NotePrivateKey, leaf: (index: number) => Buffer = (index) => Buffer.from(`record ${index}`)) {
    this.key = key;
    this.#leaf = leaf;
  }

  /** A log of the same key that has other leaves from an index on. */
  forkedAt(index: number): GrowingLog {
    return new GrowingLog(this.key, (at) => (at < index ? this.#leaf(at) : Buffer.from(`other record ${at}`)));
  }

  get verifier() {
    return logVerifier(publicNoteKey(this.key, KEY_TYPE.ed25519));
  }

  get vkey(): string {
    return formatVkey(publicNoteKey(this.key, KEY_TYPE.ed25519));
  }

  leaf(index: number): Buffer {
    return this.#leaf(index);
  }

  root(size: number): Buffer {
    return merkleRoot(this.#leafHashes(0, size));
  }

  signed(size: number): Buffer {
    return signCheckpoint({ origin: this.key.name, size, root: this.root(size) }, [logSigner(this.key)]);
  }

  readonly readHashes: HashReader = async (nodes) =>
    nodes.map(({ height, index }) => merkleRoot(this.#leafHashes(index * 2 ** height, (index + 1) * 2 ** height)));

  async prove(from: number, to: number): Promise<Uint8Array[]> {
    return from === 0 || from > to ? [] : proveConsistency(from, to, this.readHashes);
  }

  /** The body of a request. */
  async request(oldSize: number, size: number): Promise<Buffer> {
    return formatAddCheckpoint({ oldSize, proof: await this.prove(oldSize, size), checkpoint: this.signed(size) });
  }

  #leafHashes(from: number, to: number): Buffer[] {
    for (let index = this.#hashes.length; index < to; index++) this.#hashes.push(leafHash(this.#leaf(index)));
    return this.#hashes.slice(from, to);
  }
}
