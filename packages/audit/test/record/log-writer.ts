import { leaseId, registryDigest, ulid, type IdentityObject } from '@tallystick/core';
import {
  CompactRange,
  encodeRecord,
  readLeaf,
  type AuditRecord,
  type ExportedLog,
  type Leaf,
  type RecordBodies,
  type RecordType,
} from '../../src/index.ts';

const SIDECAR = '01KAQ0000000000000000000SC';

export const ORIGIN = `acme.example/${SIDECAR}/1/1`;
export const START_MS = Date.parse('2026-11-22T08:00:00Z');

/** Writes records as the sidecar does, on a clock that one moves, with ids that are the same in every run. */
export class LogWriter {
  readonly origin: string;
  readonly leaves: Leaf[] = [];
  readonly identities = new Map<string, IdentityObject>();
  nowMs: number;
  boot: string;
  #made = 0;
  #range = new CompactRange();

  constructor(origin = ORIGIN, nowMs = START_MS) {
    this.origin = origin;
    this.nowMs = nowMs;
    this.boot = this.ulid();
  }

  ulid(): string {
    return ulid({ nowMs: () => this.nowMs }, this.#random());
  }

  lease(): string {
    return leaseId({ nowMs: () => this.nowMs }, this.#random());
  }

  restart(): void {
    this.boot = this.ulid();
  }

  append<T extends RecordType>(type: T, body: RecordBodies[T], members: Partial<AuditRecord> = {}): Leaf {
    return this.appendBytes(encodeRecord(this.record(type, body, members)));
  }

  record<T extends RecordType>(type: T, body: RecordBodies[T], members: Partial<AuditRecord> = {}): AuditRecord {
    const identity = this.identities.get(members.actor ?? '');
    const { root, entries } = registryDigest([...this.identities.values()]);
    return {
      actor: 'sidecar',
      body,
      boot: this.boot,
      clock: type === 'log.boot' || type === 'log.heartbeat' ? { offset_ms: 3, source: 'chrony', synced: true } : null,
      corr: null,
      id: this.ulid(),
      lease: null,
      origin: this.origin,
      outcome: 'success',
      owner: identity?.owner ?? null,
      process: null,
      reason: null,
      refs: [],
      registry: type.startsWith('log.') ? null : { entry: entries.get(members.actor ?? '') ?? null, root },
      seq: this.leaves.length,
      time: new Date(this.nowMs).toISOString(),
      trace: null,
      type,
      v: 1,
      ...members,
    } as AuditRecord;
  }

  appendBytes(bytes: Uint8Array): Leaf {
    const leaf = readLeaf(this.origin, this.leaves.length, bytes);
    this.leaves.push(leaf);
    this.#range.append(leaf.hash);
    return leaf;
  }

  /** The head over all leaves so far. */
  head(): ExportedLog {
    const range = this.#range;
    return { checkpoint: null, origin: this.origin, root: range.root().toString('base64'), size: range.size };
  }

  #random(): { bytes: (size: number) => Uint8Array } {
    this.#made += 1;
    const bytes = Buffer.alloc(10);
    bytes.writeUInt32BE(this.#made, 6);
    return { bytes: () => bytes };
  }
}
