import type { AuditRecord, ForeignRecord } from './record.ts';
import type { Report } from './finding.ts';

/** The limits of {@link createOrderJudge}. */
export interface OrderLimits {
  /** How far time may go back from one record to the next, in milliseconds. */
  readonly toleranceMs: number;
  /** The longest silence of a running writer, in milliseconds. */
  readonly maxSilenceMs: number;
}

/** What a shard begins with. A run that completes it after a crash says that it has begun only after it. */
const SNAPSHOT: ReadonlySet<string> = new Set(['identity.listed', 'log.carried']);

/** Judges the order of records in time and in runs of the writer. Holds the last record's time and run alone. */
export function createOrderJudge(limits: OrderLimits, report: Report): (record: AuditRecord | ForeignRecord) => void {
  let lastMs: number | undefined;
  let boot: string | undefined;
  let closed = false;
  return (record) => {
    const ms = Date.parse(record.time);
    const announced = record.type === 'log.boot' || record.seq === 0 || SNAPSHOT.has(record.type);
    if (boot !== undefined && record.boot !== boot && !announced) {
      report('boot_unannounced', 'a run of the writer begins without "log.boot"');
    }
    if (lastMs !== undefined) {
      if (ms < lastMs - limits.toleranceMs && record.clock === null) {
        report('time_backwards', `the record before is ${lastMs - ms} ms later`);
      }
      if (record.boot === boot && ms - lastMs > limits.maxSilenceMs) {
        report('heartbeat_gap', `nothing was recorded for ${ms - lastMs} ms`);
      }
    }
    if (closed) report('after_close', 'the shard was closed before this record');
    if (record.type === 'log.shard_closed') closed = true;
    lastMs = ms;
    boot = record.boot;
  };
}
