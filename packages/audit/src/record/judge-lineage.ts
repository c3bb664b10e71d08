import type { ParsedRecord } from './codec.ts';
import type { Report } from './finding.ts';
import { parseOrigin, type Head } from './origin.ts';

/**
 * Judges the first record of a log: it is a genesis, or an opened shard, and names the head of the log before it.
 *
 * @param previous What a verifier derived of the log before; undefined where it has not seen it.
 */
export function judgeLineage(first: ParsedRecord, previous: Head | undefined, report: Report): void {
  const fault = faultOf(first, previous);
  if (fault !== undefined) report('head_lineage', fault);
}

function faultOf({ known, record: first }: ParsedRecord, previous: Head | undefined): string | undefined {
  const own = parseOrigin(first.origin)!;
  if (own.shard > 1) {
    if (first.type !== 'log.shard_opened') return 'a later shard does not begin with "log.shard_opened"';
    if (!known) return undefined;
    const before = parseOrigin(first.body.previous.origin);
    if (!isSameWriter(own, before) || before.incarnation !== own.incarnation || before.shard !== own.shard - 1) {
      return 'the head that the shard names is not of the shard before';
    }
    return differs(first.body.previous, previous);
  }
  if (first.type !== 'log.genesis') return 'a log does not begin with "log.genesis"';
  if (!known) return undefined;
  if (own.incarnation === 1) {
    return first.body.previous === null ? undefined : 'the first incarnation names a head before it';
  }
  if (first.body.previous === null) return 'a later incarnation names no head before it';
  const before = parseOrigin(first.body.previous.origin);
  if (!isSameWriter(own, before) || before.incarnation >= own.incarnation) {
    return 'the head that the incarnation names is not of an earlier one';
  }
  return differs(first.body.previous, previous);
}

function isSameWriter(
  own: NonNullable<ReturnType<typeof parseOrigin>>,
  before: ReturnType<typeof parseOrigin>,
): before is NonNullable<ReturnType<typeof parseOrigin>> {
  return before?.trustDomain === own.trustDomain && before.sidecarId === own.sidecarId;
}

function differs(named: Head, previous: Head | undefined): string | undefined {
  if (previous === undefined) return undefined;
  const same = named.origin === previous.origin && named.size === previous.size && named.root === previous.root;
  return same ? undefined : 'the head that it names is not the last one of the log before';
}
