import { createHash } from 'node:crypto';
import { CompactRange } from '../tlog/compact-range.ts';
import { compileQuery, type RecordQuery } from '../record/query.ts';
import { createSemanticJudge, type SemanticJudge } from '../record/judge-records.ts';
import { SEMANTIC_RULES, type SemanticFinding, type Place } from '../record/finding.ts';
import { parseOrigin, type Head } from '../record/origin.ts';
import { recordOf, type Leaf } from '../record/leaf.ts';
import type { ExportFormat } from './export-format.ts';
import type { ExportManifest } from './manifest.ts';

/** The most places that a manifest names one by one; findings are counted beyond. */
const MAX_NAMED = 1000;

/** What a run over the leaves of some logs derives, and no caller can say otherwise. */
export type Derived = Pick<
  ExportManifest,
  'countsInRange' | 'cutOff' | 'excluded' | 'file' | 'findings' | 'gaps' | 'late' | 'openIntents' | 'selected'
>;

/** Selects and writes records, and counts all others. */
export interface ExportRun {
  /** What the file begins with; empty where it begins with a record. */
  readonly start: string;
  /**
   * Takes the next leaf: log by log, each from its first leaf to its last. Returns its line with its end, or null where
   * it is not selected.
   */
  add(leaf: Leaf): string | null;
  /** Ends the run. Call it once. */
  finish(): { readonly derived: Derived; readonly heads: readonly Head[] };
}

export function createExportRun(format: ExportFormat, query: RecordQuery): ExportRun {
  const select = compileQuery(query);
  const fileHash = createHash('sha256');
  const countsInRange = new Map<string, number>();
  const excluded = new Map<string, number>();
  const findings = new Map<string, number>();
  const gaps: SemanticFinding[] = [];
  const late: Place[] = [];
  const openIntents: (Place & { lease: string | null })[] = [];
  const heads: Head[] = [];
  let current: { origin: string; range: CompactRange; judge: SemanticJudge } | undefined;
  let cutOff: string | null = null;
  let rows = 0;

  const onFinding = (finding: SemanticFinding): void => {
    increment(findings, finding.rule);
    const { rule, detail: _, ...place } = finding;
    if (rule === 'late') push(late, place);
    else if (SEMANTIC_RULES[rule] !== 'note') push(gaps, finding);
  };
  const endLog = (): void => {
    if (!current) return;
    const { origin, range, judge } = current;
    for (const { place, lease } of judge.finish().openIntents) push(openIntents, { ...place, lease });
    heads.push({ origin, size: range.size, root: range.root().toString('base64') });
    current = undefined;
  };

  const start = format.header === null ? '' : format.header + format.lineEnd;
  fileHash.update(start);
  return {
    start,
    add(leaf) {
      if (current?.origin !== leaf.origin) {
        endLog();
        const previous = heads.at(-1);
        const follows = previous !== undefined && isSameIncarnation(previous.origin, leaf.origin);
        const judge = createSemanticJudge({ onFinding, ...(follows ? { previous } : {}) });
        current = { origin: leaf.origin, range: new CompactRange(), judge };
      }
      current.range.append(leaf.hash);
      current.judge.add(leaf);
      const record = recordOf(leaf);
      if (record && (cutOff === null || Date.parse(record.time) > Date.parse(cutOff))) cutOff = record.time;
      const exclusion = select(leaf);
      if (record && exclusion !== 'period') increment(countsInRange, record.type);
      if (!record || exclusion !== null) {
        increment(excluded, exclusion ?? 'unreadable');
        return null;
      }
      const line = format.line(leaf, record) + format.lineEnd;
      fileHash.update(line);
      rows += 1;
      return line;
    },
    finish() {
      endLog();
      const derived: Derived = {
        countsInRange: sorted(countsInRange),
        cutOff,
        excluded: sorted(excluded),
        file: { rows, sha256: fileHash.digest('base64url') },
        findings: sorted(findings),
        gaps,
        late,
        openIntents,
        selected: rows,
      };
      return { derived, heads };
    },
  };
}

/** True for the next shard of one incarnation: its first record names the head that was derived before it. */
function isSameIncarnation(before: string, after: string): boolean {
  const a = parseOrigin(before);
  const b = parseOrigin(after);
  return a?.sidecarId === b?.sidecarId && a?.incarnation === b?.incarnation && a!.shard + 1 === b!.shard;
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function push<T>(list: T[], item: T): void {
  if (list.length < MAX_NAMED) list.push(item);
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
