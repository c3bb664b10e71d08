import { BODY_VERSION, encodeRecord, type AuditRecord, type Envelope } from '@tallystick/audit';
import { ulid, type Clock, type Random } from '@tallystick/core';
import { NOT_ANCHORED } from '../anchor/anchoring-status.ts';
import type { Recorder, RecordInput } from './record.ts';
import type { ShardLog } from './shards/shard-log.ts';

/** The inputs of {@link createRecorder}. */
export interface RecorderOptions {
  readonly log: ShardLog;
  /** Told of each record, in the order of the log. */
  readonly onRecord: (record: AuditRecord) => void;
  /** ULID of this run. */
  readonly boot: string;
  /** Gives records their time. */
  readonly clock: Clock;
  readonly random: Random;
}

/** From so many milliseconds on, a wall clock that has moved against the monotonic one is said to have jumped. */
const CLOCK_STEP_MS = 1000;

/** Returns what appends to an open log, which it closes. */
export function createRecorder({ log, onRecord, boot, clock, random }: RecorderOptions): Recorder {
  let pending = 0;
  let offsetMs = clock.nowMs() - clock.monotonicMs();

  /** What the next record says of the clock: how far it has jumped since one last said so. */
  const clockStep = (): Envelope['clock'] => {
    const step = Math.round(clock.nowMs() - clock.monotonicMs() - offsetMs);
    if (Math.abs(step) < CLOCK_STEP_MS) return null;
    offsetMs += step;
    return { offset_ms: step, source: 'step', synced: null };
  };
  const encode = (input: RecordInput, id: string, seq: number, origin: string): Buffer => {
    const step = clockStep();
    const record = recordOf(input, { origin, boot, id, seq, clock: input.clock ?? step, nowMs: clock.nowMs() });
    const bytes = encodeRecord(record);
    onRecord(record);
    return bytes;
  };

  return {
    get origin() {
      return log.origin;
    },
    get pending() {
      return pending;
    },
    newId: () => ulid(clock, random),
    isWritable: () => log.failure === undefined && log.space.level !== 'full',
    async append(input) {
      const id = input.id ?? ulid(clock, random);
      pending++;
      try {
        let origin = '';
        const { seq } = await log.append((at, of) => encode(input as RecordInput, id, at, (origin = of)));
        return { id, seq, origin };
      } finally {
        pending--;
      }
    },
    status() {
      const { space } = log;
      const published = log.published();
      return {
        size: log.head()?.size ?? 0,
        published: published ? { size: published.size, root: Buffer.from(published.root).toString('base64') } : null,
        durability: space.durability,
        space: { level: space.level, usedBytes: space.usedBytes, maxBytes: space.limit.maxBytes },
        anchoring: NOT_ANCHORED,
      };
    },
    close: () => log.close(),
  };
}

/** What a record has that its caller does not say. */
export interface RecordFrame {
  readonly origin: string;
  readonly boot: string;
  readonly id: string;
  readonly seq: number;
  readonly clock: Envelope['clock'];
  readonly nowMs: number;
}

/** Returns the whole record. Members stand in canonical order, in the bodies too: then nothing has to be sorted. */
export function recordOf(input: RecordInput, { origin, boot, id, seq, clock, nowMs }: RecordFrame): AuditRecord {
  return {
    actor: input.actor,
    body: { ...input.body, v: BODY_VERSION },
    boot,
    clock,
    corr: input.corr ?? null,
    id,
    lease: input.lease,
    origin,
    outcome: input.outcome,
    owner: input.owner,
    process: input.process,
    reason: input.reason,
    refs: (input.refs ?? []).map((ref) => ({
      id: ref.id,
      leafHash: null,
      origin: ref.origin === undefined || ref.origin === origin ? null : ref.origin,
      rel: ref.rel,
    })),
    registry: input.registry,
    seq,
    time: new Date(nowMs).toISOString(),
    trace: input.trace,
    type: input.type,
    v: 1,
  } as AuditRecord;
}
