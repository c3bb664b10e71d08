import { TallystickError, type Clock } from '@tallystick/core';
import type { ReportedUse, UsageReport } from '@tallystick/protocol';
import type { Registry } from '../../authorize/registry.ts';
import type { OwnedLeases } from '../../lease/owned-leases.ts';
import type { LeaseTable } from '../../lease/lease-table.ts';
import type { Admitted } from '../../release/admit.ts';
import { holderName, type EarlierReports, type RecordedReport } from './earlier-reports.ts';
import type { BodyOf, Recorder, TraceMember } from '../record.ts';
import { shown } from '../shown.ts';
import type { UsageGate } from './usage-gate.ts';

/** A report as it came, and who sends it. */
export interface SentReport extends Pick<Admitted, 'identity'> {
  readonly jkt: string;
  readonly report: UsageReport;
  readonly trace: TraceMember | null;
}

/** Records what holders say they did with their leases. */
export interface UsageRecords {
  /**
   * Returns the id of a report's record, which is durable when this resolves. One that was recorded before, also by an
   * earlier run of this sidecar, is not recorded again.
   *
   * @throws {TallystickError} `lease_unknown`; `rate_limited`; `invalid_request`: its number is behind the newest, or the
   * holder has closed; `record_unavailable`.
   */
  reported(sent: SentReport): Promise<string>;
}

/** The inputs of {@link createUsageRecords}. */
export interface UsageRecordsOptions {
  readonly recorder: Pick<Recorder, 'append'>;
  readonly registry: () => Registry;
  readonly table: Pick<LeaseTable, 'ofHolder'>;
  readonly owned: OwnedLeases;
  readonly gate: UsageGate;
  readonly earlier: EarlierReports;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** A report that is being recorded. */
interface Recording {
  readonly report: number;
  readonly recordId: Promise<string>;
}

/** Reports that may wait for the disk at a time: each holds its body in memory. */
const MAX_RECORDING = 64;
/** Holders whose last report is known; beyond, the one that was heard of longest ago is forgotten. */
const MAX_HOLDERS = 16_384;
const BUSY_MS = 2000;
/** What a record has beside the uses, about. */
const ENVELOPE_BYTES = 1500;

export function createUsageRecords(options: UsageRecordsOptions): UsageRecords {
  const { recorder, registry, table, owned, gate, earlier, clock } = options;
  const last = new Map<string, RecordedReport>();
  const recording = new Map<string, Recording>();

  const keep = (holder: string, recorded: RecordedReport): void => {
    last.delete(holder);
    last.set(holder, recorded);
    if (last.size > MAX_HOLDERS) last.delete(last.keys().next().value!);
  };
  const lastOf = async (holder: string): Promise<RecordedReport | undefined> => {
    const known = last.get(holder);
    if (known) return known;
    try {
      return (await earlier()).get(holder);
    } catch (cause) {
      throw new TallystickError('record_unavailable', 'the reports of an earlier run cannot be read', { cause });
    }
  };

  const append = async (sent: SentReport, holder: string, known: boolean): Promise<string> => {
    const { identity, jkt, report } = sent;
    const { uses, tokens } = report;
    gate.take({ holder, identity: identity.id, bytes: ENVELOPE_BYTES + JSON.stringify(uses).length });
    const leases = new Set(uses.map(({ leaseId }) => leaseId));
    const made = await owned({ identity: identity.id, jkt, leases, tokens });
    if (leases.size === 0 && !known && table.ofHolder(identity.id, jkt).length === 0) {
      throw new TallystickError('lease_unknown', 'this key has held no lease that it could be done with');
    }
    const { digest } = registry();
    const [only, another] = leases;
    const { id } = await recorder.append({
      type: 'usage.reported',
      actor: identity.id,
      owner: identity.owner,
      process: { claimed: null, match: null, registered: identity.businessProcesses },
      registry: { entry: digest.entries.get(identity.id) ?? null, root: digest.root },
      lease: another === undefined ? (only ?? null) : null,
      outcome: 'success',
      reason: null,
      trace: sent.trace,
      body: {
        final: report.final,
        grade: 'reported',
        jkt,
        report: report.report,
        uses: uses.map((use) => recordedUse(use, made.get(use.leaseId)!, clock.nowMs())),
      },
    });
    keep(holder, { report: report.report, final: report.final, recordId: id });
    return id;
  };

  return {
    async reported(sent) {
      const { report, final } = sent.report;
      const holder = holderName(sent.identity.id, sent.jkt);
      const before = await lastOf(holder);
      const running = recording.get(holder);
      if (running?.report === report) return running.recordId;
      if (before?.report === report && before.final === final) return before.recordId;
      if (before && (before.final || report <= before.report)) {
        throw new TallystickError(
          'invalid_request',
          `report ${before.report} of this key is on record, and this one is not after it`,
        );
      }
      // One after the other, so that what is on record is always the newest.
      if (running || recording.size >= MAX_RECORDING) {
        throw new TallystickError('rate_limited', 'reports are being recorded', { retryAfterMs: BUSY_MS });
      }
      const recordId = append(sent, holder, before !== undefined);
      recording.set(holder, { report, recordId });
      try {
        return await recordId;
      } finally {
        recording.delete(holder);
      }
    },
  };
}

type RecordedUse = BodyOf<'usage.reported'>['uses'][number];

/** @param madeMs When the lease was made: it was not used before, and not after now, whatever the clock of who used it. */
function recordedUse(use: ReportedUse, madeMs: number, nowMs: number): RecordedUse {
  const { count, first, last, leaseId, process, target } = use;
  return {
    count,
    first: within(first, madeMs, nowMs),
    last: within(last, madeMs, nowMs),
    lease: leaseId,
    process: process && {
      id: shown(process.id),
      run: process.run === null ? null : shown(process.run),
      ticket: process.ticket === null ? null : shown(process.ticket),
    },
    target: shown(target),
  };
}

function within(time: Date, fromMs: number, toMs: number): string {
  return new Date(Math.max(fromMs, Math.min(time.getTime(), toMs))).toISOString();
}
