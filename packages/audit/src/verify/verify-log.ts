import { tileHashReader } from '../tlog/tile-reader.ts';
import { TlogError } from '../tlog/tlog-error.ts';
import type { TlogPolicy } from '../tlog/tlog-policy.ts';
import { cachedTiles } from './cached-tiles.ts';
import { inThisThread, type RangeDeriver } from './derive-ranges.ts';
import { deriveTree } from './derive-tree.ts';
import { Findings, type CompletenessCode, type IntegrityCode } from './finding.ts';
import { judgeAnchors } from './judge-anchors.ts';
import { judgeHeads } from './judge-heads.ts';
import type { ReadLogFile } from './read-log-file.ts';
import type { RecordJudge } from './record-judge.ts';
import { completenessVerdict, type LogReport, type VerifyLevel } from './report.ts';
import { trustHead, type TrustedHead } from './trust.ts';

/** How a log is verified. */
export interface VerifyLogOptions {
  /** Reads the log's folder; nothing else is read, nothing is written and nobody is asked. */
  readonly readFile: ReadLogFile;
  /** The only keys that are believed. The file `vkey` of the folder is not read. */
  readonly policy: TlogPolicy;
  /** `full` derives every leaf and every tile; only it can say that integrity holds. */
  readonly level: VerifyLevel;
  /** A head that was kept outside the log, as a signed checkpoint, and when; it is an anchor. */
  readonly from?: { readonly checkpoint: Uint8Array; readonly timeMs?: number };
  /** Returns what judges the records of the log of an origin, where their content is to be judged. Asked once at most. */
  readonly judgeOf?: (origin: string) => RecordJudge;
  /** Hashes the records; without it this thread does. */
  readonly ranges?: RangeDeriver;
  /** Milliseconds since the epoch, by which anchors have an age. */
  readonly nowMs: number;
  /** How old the newest anchor may be where completeness is to hold, in milliseconds. A day where absent. */
  readonly maxAnchorAgeMs?: number;
}

const DAY_MS = 86_400_000;

/**
 * Returns what the files of a log prove: that its records are those that were logged (integrity), and that none is
 * missing (completeness).
 *
 * It rejects with what `readFile` throws: what cannot be read is not judged.
 */
export async function verifyLog(options: VerifyLogOptions): Promise<LogReport> {
  const { readFile, policy, level, from, nowMs, maxAnchorAgeMs = DAY_MS } = options;
  const integrity = new Findings<IntegrityCode>();
  const completeness = new Findings<CompletenessCode>();
  // Before the checkpoint: a writer that goes on meanwhile publishes a head before it keeps it.
  const kept = await readFile('heads');
  const checkpoint = await trustedCheckpoint(readFile, policy, integrity);
  if (!checkpoint || level === 'signature') {
    completeness.push({ code: 'not_derived', detail: 'the records were not read' });
  }
  if (!checkpoint) {
    return reportOf({ level, head: null, integrity, completeness, rollback: 'undetectable', anchor: null, heads: 0 });
  }
  const judge = level === 'full' ? options.judgeOf?.(checkpoint.origin) : undefined;
  if (level === 'full') {
    const onRecord = judge?.onRecord.bind(judge);
    await deriveTree(
      { ...checkpoint, readFile, ranges: options.ranges ?? inThisThread(readFile), onRecord },
      integrity,
    );
  }
  const earlier = await judgeHeads({
    checkpoint,
    policy,
    readHashes: tileHashReader(checkpoint.size, cachedTiles(readFile)),
    heads: kept,
    from: from?.checkpoint,
    integrity,
    completeness,
  });
  for (const { verdict, rule, record, detail } of judge?.findings() ?? []) {
    const at = { rule, ...(record !== undefined && { record }), detail };
    if (verdict === 'integrity') integrity.push({ code: 'record_rule', ...at });
    else completeness.push({ code: 'record_gap', ...at });
  }
  const heads = [...earlier.heads, checkpoint];
  const outside = earlier.from && { size: earlier.from.size, timeMs: from?.timeMs };
  const anchors = { policy, size: checkpoint.size, heads, from: outside, nowMs, maxAnchorAgeMs };
  const anchor = judgeAnchors(anchors, completeness);
  const rollback = anchor ? 'detectable' : 'undetectable';
  return reportOf({ level, head: checkpoint, integrity, completeness, rollback, anchor, heads: earlier.heads.length });
}

async function trustedCheckpoint(
  readFile: ReadLogFile,
  policy: TlogPolicy,
  integrity: Findings<IntegrityCode>,
): Promise<TrustedHead | undefined> {
  const bytes = await readFile('checkpoint');
  if (!bytes) {
    integrity.push({ code: 'checkpoint_missing', file: 'checkpoint', detail: 'the log has no signed head' });
    return undefined;
  }
  try {
    return trustHead(bytes, policy);
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    const { fault, description } = error;
    integrity.push({ code: 'checkpoint_refused', file: 'checkpoint', fault, detail: description });
    return undefined;
  }
}

interface Judged extends Pick<LogReport, 'level' | 'rollback' | 'anchor'> {
  readonly head: TrustedHead | null;
  readonly integrity: Findings<IntegrityCode>;
  readonly completeness: Findings<CompletenessCode>;
  readonly heads: number;
}

function reportOf({ level, head, integrity, completeness, rollback, anchor, heads }: Judged): LogReport {
  return {
    v: 1,
    level,
    head: head && { origin: head.origin, size: head.size, root: Buffer.from(head.root).toString('base64') },
    integrity: integrityVerdict(integrity, level),
    completeness: completenessVerdict(completeness),
    rollback,
    anchor,
    earlierHeads: heads,
  };
}

/** Returns the verdict: without a record read, it can fail but not hold. */
function integrityVerdict(findings: Findings<IntegrityCode>, level: VerifyLevel): LogReport['integrity'] {
  const verdict = findings.count > 0 ? 'fails' : level === 'full' ? 'holds' : 'not_shown';
  return { verdict, findings: findings.list, count: findings.count };
}
