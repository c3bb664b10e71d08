import { isLeaseId, ulidTimeMs } from '@tallystick/core';
import type { Trust } from '../log-options.ts';
import type { SignedLog } from '../signed-log.ts';
import { Denied } from './denied.ts';
import { figuresOf } from './figures.ts';
import type { Finding } from './finding.ts';
import { createLeaseJudge, type LeaseJudge, type UnseenLease } from './judge-leases.ts';
import { judgeWhole, LISTED, type Reconciliation } from './report.ts';
import { scanLogs } from './scan-logs.ts';
import { scanReceipts, type Period } from './scan-receipts.ts';
import { openSortedFacts, type SortedFacts } from './sorted-facts.ts';

/** The inputs of {@link compare}. */
export interface CompareOptions {
  readonly files: readonly string[];
  readonly dir: string;
  readonly logs: readonly SignedLog[];
  readonly key: Trust['source'];
  /** The one whose tokens are judged; undefined: all are. */
  readonly issuer: string | undefined;
  readonly period: Period;
  readonly toleranceMs: number;
}

/**
 * Compares receipts with the record. Both are read once, in any size: what they say of a lease meets on disk, sorted, and
 * is judged lease by lease. Memory grows with identities, operators' commands and runs of verifiers alone.
 *
 * @throws {TallystickError} What keeps it from judging.
 */
export async function compare(options: CompareOptions): Promise<Reconciliation> {
  const { files, dir, logs, key, period, toleranceMs } = options;
  const denied = new Denied();
  using facts = await openSortedFacts();
  const receipts = scanReceipts({ ...options, facts, denied });
  const { rights, ...log } = scanLogs(logs, { period, facts, denied });
  const findings = new Listed<Finding>();
  const neverSeen = new Listed<UnseenLease>();
  let withoutRecord = 0;
  const judge = createLeaseJudge({
    rights,
    watch: receipts.coverage.watch(),
    logFromMs: log.from === null ? Infinity : Date.parse(log.from),
    logToMs: log.to === null ? -Infinity : Date.parse(log.to),
    toleranceMs,
    madeMsOf: (lease) => (isLeaseId(lease) ? ulidTimeMs(lease.slice('ls_'.length)) : undefined),
    isInPeriod: (ms) => ms >= period.fromMs && ms < period.toMs,
    onFinding(finding) {
      findings.add(finding);
      if (finding.code === 'used_without_record') withoutRecord += finding.count;
    },
    onUnseen: (lease) => neverSeen.add(lease),
  });
  judgeAll(judge, facts);

  const { counts } = judge;
  const { read, coverage, accepted, refused, otherIssuers, from, to } = receipts;
  const { records, notJudged, otherKinds } = log;
  const lacks = coverage.lacks();
  return {
    v: 1,
    dir,
    key,
    ...judgeWhole({
      findings: findings.count,
      key,
      notJudged,
      ...read,
      ...lacks,
      newer: counts.usesNewer,
      older: counts.usesOlder,
    }),
    log: { records, from: log.from, to: log.to, notJudged },
    receipts: {
      ...read,
      files: files.length,
      runs: coverage.runs,
      audiences: coverage.audiences,
      from,
      to,
      ...lacks,
      otherIssuers,
    },
    figures: figuresOf({
      counts,
      denied: denied.counts(),
      accepted,
      refused: [...refused.values()].reduce((sum, count) => sum + count, 0),
      withoutRecord,
      otherKinds,
    }),
    refused: Object.fromEntries([...refused].sort(([a], [b]) => (a < b ? -1 : 1))),
    findings: findings.first,
    findingCount: findings.count,
    neverSeen: neverSeen.first,
  };
}

function judgeAll(judge: LeaseJudge, facts: SortedFacts): void {
  let current: string | undefined;
  for (const { group, fact } of facts.inOrder()) {
    if (group !== current) {
      if (current !== undefined) judge.end();
      judge.begin(group);
      current = group;
    }
    judge.add(fact);
  }
  if (current !== undefined) judge.end();
}

/** Counts all, and keeps the first. */
class Listed<T> {
  readonly first: T[] = [];
  count = 0;

  add(item: T): void {
    this.count += 1;
    if (this.first.length < LISTED) this.first.push(item);
  }
}
