import { knownRecordOf, readLeaf, type LogReader } from '@tallystick/audit';

/** A report of use that is on record. */
export interface RecordedReport {
  /** Its number. */
  readonly report: number;
  readonly final: boolean;
  readonly recordId: string;
}

/** The newest report of each holder, as an earlier run of the sidecar has left them in the log. */
export type EarlierReports = () => Promise<ReadonlyMap<string, RecordedReport>>;

/** Returns what names the holder of a key: one key may be two identities. */
export function holderName(identity: string, jkt: string): string {
  return `${jkt} ${identity}`;
}

/** What {@link createEarlierReports} reads. */
export interface EarlierRecords {
  readonly log: Pick<LogReader, 'readRecords'>;
  readonly origin: string;
  /** How many records the log had when it was opened. */
  readonly size: number;
}

/**
 * How far back is looked, by the time of records and by their number. A report is sent again within half a minute of its
 * making while the sidecar runs, and no record is made while it does not: what was not answered is near the end.
 */
const WINDOW_MS = 300_000;
const MAX_RECORDS = 262_144;
const STEP = 4096;

/**
 * Returns what finds the last reports of the run before: one whose answer a crash swallowed is sent again, and must not
 * be recorded twice. It reads once, when it is asked first.
 */
export function createEarlierReports(records: EarlierRecords): EarlierReports {
  let found: Promise<ReadonlyMap<string, RecordedReport>> | undefined;
  return () => {
    found ??= readReports(records);
    // A disk that fails for a moment is asked again.
    found.catch(() => (found = undefined));
    return found;
  };
}

async function readReports({ log, origin, size }: EarlierRecords): Promise<ReadonlyMap<string, RecordedReport>> {
  const newest = new Map<string, RecordedReport>();
  let endMs: number | undefined;
  for (let to = size; to > Math.max(0, size - MAX_RECORDS); to -= STEP) {
    const from = Math.max(0, to - STEP);
    const chunk: Uint8Array[] = [];
    for await (const record of log.readRecords(from, to)) chunk.push(record);
    endMs ??= timeOf(origin, to - 1, chunk.at(-1));
    for (const [i, bytes] of chunk.entries()) {
      if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(USAGE)) {
        addReport(newest, origin, from + i, bytes);
      }
    }
    if (timeOf(origin, from, chunk[0]) < endMs - WINDOW_MS) break;
  }
  return newest;
}

const USAGE = '"usage.reported"';

function addReport(newest: Map<string, RecordedReport>, origin: string, seq: number, bytes: Uint8Array): void {
  const record = knownRecordOf(readLeaf(origin, seq, bytes));
  if (record?.type !== 'usage.reported') return;
  const holder = holderName(record.actor, record.body.jkt);
  const { report, final } = record.body;
  if (report > (newest.get(holder)?.report ?? -1)) newest.set(holder, { report, final, recordId: record.id });
}

function timeOf(origin: string, seq: number, bytes: Uint8Array | undefined): number {
  const record = bytes && knownRecordOf(readLeaf(origin, seq, bytes));
  // Of a later release, or none at all: compared with it, nothing is earlier.
  return record ? Date.parse(record.time) : NaN;
}
