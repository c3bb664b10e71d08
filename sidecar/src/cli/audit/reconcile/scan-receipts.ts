import type { Receipt } from '@tallystick/core';
import { Coverage } from './coverage.ts';
import type { Denied } from './denied.ts';
import { groupOf, isSeen } from './facts.ts';
import { readReceipts, type ReadReceipts } from './read-receipts.ts';
import type { SortedFacts } from './sorted-facts.ts';

/** An interval of time: what is at `toMs` is no longer in it. Milliseconds since the epoch. */
export interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What the receipts say, beside what they say of each lease. */
export interface ScannedReceipts {
  readonly read: ReadReceipts;
  readonly coverage: Coverage;
  readonly accepted: number;
  /** Requests that were refused, by code. */
  readonly refused: ReadonlyMap<string, number>;
  readonly otherIssuers: number;
  /** Of the receipts that were looked at; null where there are none. */
  readonly from: string | null;
  readonly to: string | null;
}

/** The inputs of {@link scanReceipts}. */
export interface ScanReceiptsOptions {
  readonly files: readonly string[];
  /** The one whose tokens are judged; absent: all are. */
  readonly issuer: string | undefined;
  readonly period: Period;
  readonly facts: SortedFacts;
  readonly denied: Denied;
}

/** Codes that are counted apart: ours are fewer. */
const MAX_CODES = 100;

/** Reads receipts once, and keeps those that name a token as facts about its lease. */
export function scanReceipts({ files, issuer, period, facts, denied }: ScanReceiptsOptions): ScannedReceipts {
  const coverage = new Coverage();
  const refused = new Map<string, number>();
  let accepted = 0;
  let otherIssuers = 0;
  let from: string | null = null;
  let to: string | null = null;

  const count = ({ verdict, count: more }: Receipt): void => {
    if (verdict === 'accepted') accepted += more;
    else {
      const code = refused.has(verdict) || refused.size < MAX_CODES ? verdict : 'other';
      refused.set(code, (refused.get(code) ?? 0) + more);
    }
  };
  const read = readReceipts(files, (line) => {
    coverage.add(line);
    if (line.type === 'mark') return;
    if (Date.parse(line.last) < period.fromMs || Date.parse(line.first) >= period.toMs) return;
    if (from === null || line.first < from) from = line.first;
    if (to === null || line.last > to) to = line.last;
    if (issuer !== undefined && line.issuer !== null && line.issuer !== issuer) {
      otherIssuers += line.count;
      return;
    }
    count(line);
    if (!isSeen(line)) return;
    denied.see(line);
    facts.add(groupOf(line), { kind: 'receipt', receipt: line });
  });
  return { read, coverage, accepted, refused, otherIssuers, from, to };
}
