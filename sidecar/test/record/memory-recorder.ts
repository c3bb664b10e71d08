import type { RecordType } from '@tallystick/audit';
import { TallystickError } from '@tallystick/core';
import { NOT_ANCHORED } from '../../src/anchor/anchoring-status.ts';
import { createLateRecords, type LateRecords, type LateStore } from '../../src/record/late-records.ts';
import type { Recorder, RecordInput } from '../../src/record/record.ts';
import type { RecordedRegistry } from '../../src/record/registry/recorded-registry.ts';
import { memoryLog } from '../memory-log.ts';
import { manualTime } from '../manual-time.ts';

/** A recorder that keeps records in memory, and lets the test hold back or fail their durability. */
export interface MemoryRecorder extends Recorder {
  readonly records: readonly RecordInput[];
  /** The types of the records so far. */
  types(): string[];
  /** The only record of a type. */
  only<T extends RecordType>(type: T): RecordInput<T>;
  /** Resolves when there are so many records, durable or not. */
  reached(count: number): Promise<void>;
  /** From now on records become durable only when `let go`. */
  hold(): void;
  letGo(): void;
  /** The disk fails: what waits and what comes is refused. */
  fail(): void;
  /** It works again. */
  recover(): void;
  clear(): void;
}

/** Something that waits for the test. */
interface Gate {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

export function memoryRecorder(): MemoryRecorder {
  let records: RecordInput[] = [];
  let seq = 0;
  let held: Gate | undefined;
  let failed = false;
  let waiting: { count: number; resolve: () => void }[] = [];
  const unavailable = (): TallystickError => new TallystickError('record_unavailable', 'the disk has failed');
  return {
    origin: 'acme.example/01KAMZ3CT000000000000000AA/1/1',
    get records() {
      return records;
    },
    get pending() {
      return held ? records.length : 0;
    },
    types: () => records.map(({ type }) => type),
    only<T extends RecordType>(type: T) {
      const found = records.filter((record) => record.type === type);
      if (found.length !== 1) throw new Error(`there are ${found.length} records of type ${type}`);
      return found[0] as RecordInput<T>;
    },
    newId: () => `record-${seq}`,
    isWritable: () => !failed,
    async append(input) {
      if (failed) throw unavailable();
      records.push(input as RecordInput);
      for (const { count, resolve } of waiting) if (records.length >= count) resolve();
      waiting = waiting.filter(({ count }) => records.length < count);
      const ref = { id: `record-${seq}`, seq: seq++, origin: this.origin };
      await held?.promise;
      return ref;
    },
    reached: (count) =>
      records.length >= count ? Promise.resolve() : new Promise((resolve) => waiting.push({ count, resolve })),
    hold() {
      held ??= Promise.withResolvers<void>();
      held.promise.catch(() => {});
    },
    letGo() {
      held?.resolve();
      held = undefined;
    },
    fail() {
      failed = true;
      held?.reject(unavailable());
      held = undefined;
    },
    recover() {
      failed = false;
    },
    clear() {
      records = [];
    },
    status: () => ({
      size: seq,
      published: null,
      durability: 'node',
      space: { level: 'ok', usedBytes: 0, maxBytes: 1 },
      anchoring: NOT_ANCHORED,
    }),
    close: async () => {},
  };
}

/** Keeps nothing over a restart. */
export const NO_STORE: LateStore = { takings: [], keep: async () => {} };

/** Returns what records takings over `recorder`, on a clock that stands still. */
export function lateRecords(recorder: Recorder): LateRecords {
  const time = manualTime();
  return createLateRecords({ recorder, store: NO_STORE, clock: time, timers: time, log: memoryLog() });
}

/** What a new log knows of identities: nothing. */
export const NOTHING_RECORDED: RecordedRegistry = { identities: new Map(), keep: async () => {} };
