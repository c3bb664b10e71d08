import type { Checkpoint } from '../tlog/checkpoint.ts';
import type { CompletenessCode, Findings, IntegrityCode } from './finding.ts';

/** One log of a sidecar, verified on its own. */
export interface VerifiedLog {
  /** `<incarnation>/<shard>`, its folder. */
  readonly path: string;
  /** Its newest head, where integrity does not fail. */
  readonly head: { readonly origin: string; readonly size: number; readonly root: string } | undefined;
  /** What its first record carries of the log before it: null for none, undefined where it is no first record. */
  readonly carried: Checkpoint | null | undefined;
  /** The origin that its last record says follows it; undefined where it was not closed. */
  readonly next: string | undefined;
}

/**
 * Returns the paths of the logs whose last head a later one carries, and adds to the findings where one does not carry
 * on from the one before: each log begins with the last head of another, and no two with that of the same one. What a
 * closed log says follows it may never have had a record: that it is not there is no failure.
 *
 * @param logs In the order of their incarnations and shards.
 */
export function judgeLinks(
  logs: readonly VerifiedLog[],
  integrity: Findings<IntegrityCode>,
  completeness: Findings<CompletenessCode>,
): Set<string> {
  const continued = new Set<string>();
  const prefixes = new Set<string>();
  for (const [i, { path, head, carried }] of logs.entries()) {
    if (!head) continue;
    const at = { file: `${path}/tile/entries/000`, record: 0 };
    prefixes.add(head.origin.slice(0, -path.length));
    if (!head.origin.endsWith(`/${path}`) || prefixes.size > 1) {
      const detail = `the log of ${head.origin} does not belong into this folder`;
      integrity.push({ code: 'origin_mismatch', file: `${path}/checkpoint`, detail });
    }
    // A log without a record has no first one; what it will carry is not written yet.
    if (head.size === 0) continue;
    if (carried === undefined || (carried === null && i > 0)) {
      integrity.push({ code: 'link_missing', ...at, detail: 'the first record carries no head of the log before' });
      continue;
    }
    if (carried === null) continue;
    const before = logs.find((log) => log.head?.origin === carried.origin);
    if (!before?.head) {
      // One that is there and does not hold has findings of its own.
      if (logs.some((log) => !log.head && carried.origin.endsWith(`/${log.path}`))) continue;
      const detail = `the log before it, ${carried.origin}, is not in the folder`;
      completeness.push({ code: i === 0 ? 'earlier_log_absent' : 'log_missing', ...at, detail });
    } else if (before === logs[i] || logs.indexOf(before) > i) {
      integrity.push({ code: 'link_mismatch', ...at, detail: 'it carries the head of a log that is not before it' });
    } else if (continued.has(before.path)) {
      integrity.push({ code: 'link_forked', ...at, detail: `two logs carry on from ${carried.origin}` });
    } else if (carried.size > before.head.size) {
      const detail = `${carried.origin} had ${carried.size} records, of which ${before.head.size} at most are there`;
      completeness.push({ code: 'rolled_back', ...at, detail });
    } else if (carried.size < before.head.size || Buffer.from(carried.root).toString('base64') !== before.head.root) {
      const detail = `it does not carry the last head of ${carried.origin}, of ${before.head.size} records`;
      integrity.push({ code: 'link_mismatch', ...at, detail });
    } else {
      continued.add(before.path);
    }
  }
  for (const { path, head, next } of logs) {
    if (!head || next === undefined) continue;
    if (logs.some((log) => log.head?.origin === next || (!log.head && next.endsWith(`/${log.path}`)))) continue;
    const detail = `the log that follows it, ${next}, is not in the folder`;
    completeness.push({ code: 'next_log_absent', file: `${path}/checkpoint`, record: head.size - 1, detail });
  }
  return continued;
}
