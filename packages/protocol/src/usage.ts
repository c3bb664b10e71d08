import { isClaimText, isLeaseId, TallystickError } from '@tallystick/core';
import type { ClaimedProcess } from './context.ts';
import { MAX_LOG_HEAD_LENGTH } from './log-head.ts';
import { fault, readJson, readList, readNumber, readObject, readOptionalText, readText, readTime } from './read.ts';

/** How often a workload has used one lease at one place, for one business process. */
export interface ReportedUse {
  readonly leaseId: string;
  /** Proofs signed for the lease's token, each for one request. */
  readonly count: number;
  readonly first: Date;
  readonly last: Date;
  /** URL origin of where it went: no path, no query. */
  readonly target: string;
  readonly process: ClaimedProcess | null;
}

/** A request to `POST /v1/usage`: what a holder has done with its leases since the report before. */
export interface UsageReport {
  /** Counts the reports of a key from 0. One that is sent again keeps its number; a gap is a report that was lost. */
  readonly report: number;
  /** True where the holder has closed: no other report follows. */
  readonly final: boolean;
  readonly uses: readonly ReportedUse[];
  /**
   * Access tokens of leases that the sidecar has said not to know: they have ended, or are of an earlier run of it. Each
   * proves that its lease was this key's.
   */
  readonly tokens: readonly string[];
  /** The newest signed head of the log that this holder was shown. */
  readonly logHead: string | undefined;
}

/** A successful answer: the report is on record. */
export interface UsageReceipt {
  readonly report: number;
  readonly recordId: string;
  readonly logHead: string | undefined;
}

/** The most of each that one report may have. */
export const USAGE_LIMITS = {
  uses: 64,
  /** Different leases. */
  leases: 16,
  /** Characters of `uses` as JSON. */
  length: 24_576,
  /** Characters of a target. */
  target: 300,
} as const;

/** Returns the JSON body of a usage report. */
export function formatUsageReport({ report, final, uses, tokens, logHead }: UsageReport): string {
  return JSON.stringify({
    report,
    final,
    uses: uses.map(formatUse),
    ...(tokens.length > 0 && { tokens }),
    ...(logHead !== undefined && { log_head: logHead }),
  });
}

function formatUse({ leaseId, count, first, last, target, process }: ReportedUse): Record<string, unknown> {
  return { lease: leaseId, count, first: first.toISOString(), last: last.toISOString(), target, process };
}

/**
 * Reads the body of a usage report. Unknown members are ignored.
 *
 * @throws {TallystickError} `invalid_request`: it is none, or has more of something than {@link USAGE_LIMITS} allow.
 */
export function parseUsageReport(body: string): UsageReport {
  try {
    return readReport(body);
  } catch (error) {
    throw TallystickError.is(error) ? new TallystickError('invalid_request', error.description) : error;
  }
}

const WHAT = 'usage report';

function readReport(body: string): UsageReport {
  const members = readJson(body, WHAT);
  const { final } = members;
  if (typeof final !== 'boolean') throw fault(WHAT, 'does not say whether it is "final"');
  const uses = readList(members, 'uses', WHAT, readUse);
  if (uses.length > USAGE_LIMITS.uses) throw fault(WHAT, `has more than ${USAGE_LIMITS.uses} uses`);
  if (uses.length === 0 && !final) throw fault(WHAT, 'has no use, and is not the final one');
  if (new Set(uses.map(({ leaseId }) => leaseId)).size > USAGE_LIMITS.leases) {
    throw fault(WHAT, `is of more than ${USAGE_LIMITS.leases} leases`);
  }
  if (JSON.stringify(uses.map(formatUse)).length > USAGE_LIMITS.length) {
    throw fault(WHAT, `has uses of more than ${USAGE_LIMITS.length} characters`);
  }
  const tokens = members.tokens === undefined ? [] : readList(members, 'tokens', WHAT, readToken);
  if (tokens.length > USAGE_LIMITS.leases) throw fault(WHAT, `has more than ${USAGE_LIMITS.leases} tokens`);
  const logHead = readOptionalText(members, 'log_head', WHAT);
  if (logHead !== undefined && logHead.length > MAX_LOG_HEAD_LENGTH) {
    throw fault(WHAT, `has a "log_head" of more than ${MAX_LOG_HEAD_LENGTH} characters`);
  }
  return { report: readCount(members, 'report', 0), final, uses, tokens, logHead };
}

function readUse(item: unknown): ReportedUse {
  const members = readObject(item, WHAT);
  const leaseId = readText(members, 'lease', WHAT);
  if (!isLeaseId(leaseId)) throw fault(WHAT, 'has a "lease" that is none');
  const [first, last] = [readTime(members, 'first', WHAT), readTime(members, 'last', WHAT)];
  if (first > last) throw fault(WHAT, 'has a first use after the last one');
  const target = readText(members, 'target', WHAT);
  if (!isTarget(target)) throw fault(WHAT, 'has a "target" that is no URL origin');
  return { leaseId, count: readCount(members, 'count', 1), first, last, target, process: readProcess(members.process) };
}

function isTarget(text: string): boolean {
  if (text.length > USAGE_LIMITS.target || !/^https?:/.test(text)) return false;
  return URL.parse(text)?.origin === text;
}

function readProcess(value: unknown): ClaimedProcess | null {
  if (value === undefined || value === null) return null;
  const { id, run = null, ticket = null } = readObject(value, WHAT);
  if (!isClaimText(id) || !(run === null || isClaimText(run)) || !(ticket === null || isClaimText(ticket))) {
    throw fault(WHAT, 'has a "process" that is not { id, run, ticket } of 1 to 128 printable ASCII characters each');
  }
  return { id, run, ticket };
}

function readToken(item: unknown): string {
  if (typeof item !== 'string' || !COMPACT_JWS.test(item))
    throw fault(WHAT, 'has something other than tokens in "tokens"');
  return item;
}

const COMPACT_JWS = /^[\w-]{1,2048}\.[\w-]{1,8192}\.[\w-]{1,2048}$/;

function readCount(members: Readonly<Record<string, unknown>>, name: string, least: number): number {
  const value = readNumber(members, name, WHAT);
  if (!Number.isSafeInteger(value) || value < least) throw fault(WHAT, `has a "${name}" that counts nothing`);
  return value;
}

/** Returns the JSON members of a successful answer. */
export function formatUsageReceipt({ report, recordId, logHead }: UsageReceipt): Record<string, unknown> {
  return { report, record_id: recordId, ...(logHead !== undefined && { log_head: logHead }) };
}

/**
 * Reads a successful answer of `POST /v1/usage`.
 *
 * @throws {TallystickError} `protocol_error`
 */
export function parseUsageReceipt(body: string): UsageReceipt {
  const what = 'usage receipt';
  const members = readJson(body, what);
  return {
    report: readNumber(members, 'report', what),
    recordId: readText(members, 'record_id', what),
    logHead: readOptionalText(members, 'log_head', what),
  };
}
