import { compileQuery, type Leaf, type RecordQuery } from '@tallystick/audit';
import { jsonText } from '../ask-sidecar.ts';
import { defineCommand, EXIT, JSON_OPTION, UsageError } from '../command.ts';
import { table } from '../table.ts';
import { DIR_OPTIONS, logsFolderOf, TRUST_OPTIONS, trustOf } from './log-options.ts';
import { QUERY_OPTIONS, queryOf } from './query-options.ts';
import { READ_OPTIONS, recordRead } from './recorded-read.ts';
import { RECORD_HEADS, recordCells, recordJson } from './record-lines.ts';
import { openSignedLogs, signedLeaves, type SignedLog } from './signed-log.ts';

const DEFAULT_LIMIT = 1000;

/** What was selected: the newest of it, and how much there is. */
export interface Selection {
  readonly leaves: readonly Leaf[];
  readonly count: number;
}

/** `tallystick audit log`: which records there are, from verified leaves, or from an index that says that it is one. */
export const log = defineCommand({
  name: 'audit log',
  summary: 'list records by identity, owner, process, run, lease, outcome, type and period',
  options: {
    ...DIR_OPTIONS,
    ...TRUST_OPTIONS,
    ...QUERY_OPTIONS,
    ...READ_OPTIONS,
    limit: { type: 'string', value: 'COUNT', doc: `at most so many, the newest; ${DEFAULT_LIMIT} without it` },
    index: {
      type: 'string',
      value: 'FILE',
      doc: 'answer from an index in this file, made when it does not fit the log',
    },
    ...JSON_OPTION,
  },
  async run(invocation) {
    const { options, stdout, stderr } = invocation;
    const limit = limitOf(options.limit);
    const query = queryOf(options);
    const dir = await logsFolderOf(invocation);
    const trust = trustOf(options, dir);
    const logs = openSignedLogs(dir, trust);
    const { leaves, count } =
      options.index === undefined
        ? selectLeaves(logs, query, limit)
        : await (await import('./record-index.ts')).selectIndexed({ file: options.index, dir, logs, query, limit });
    const source = options.index === undefined ? 'verified leaves' : 'index, not evidence';
    await recordRead(invocation, logs, {
      command: 'audit log',
      query,
      returned: leaves.length,
      source: options.index === undefined ? 'leaves' : 'index',
    });
    if (options.json) {
      const records = leaves.map(recordJson);
      stdout.write(jsonText({ source, key: trust.source, selected: count, records }));
      return EXIT.ok;
    }
    stdout.write(`${table(RECORD_HEADS, leaves.map(recordCells)).join('\n')}\n`);
    const more = count > leaves.length ? `, the newest ${leaves.length} shown (--limit)` : '';
    const key = trust.source === 'folder' ? '; the key is that of the folder itself' : '';
    stderr.write(`${count} ${count === 1 ? 'record' : 'records'}${more}; from ${source}${key}\n`);
    return EXIT.ok;
  },
});

function limitOf(text = String(DEFAULT_LIMIT)): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new UsageError('--limit is a number of records, from 1 to 9999999');
}

/** Reads every leaf, and returns what a query selects once they are known to be those under the signed heads. */
function selectLeaves(logs: readonly SignedLog[], query: RecordQuery, limit: number): Selection {
  const select = compileQuery(query);
  const holding = textsOf(query);
  let newest: Leaf[] = [];
  let count = 0;
  for (const each of logs) {
    for (const leaf of signedLeaves(each, { holding })) {
      if (select(leaf) !== null) continue;
      count += 1;
      newest.push(leaf);
      if (newest.length >= 2 * limit) newest = newest.slice(-limit);
    }
  }
  return { leaves: newest.slice(-limit), count };
}

/** Returns texts that every record has which the query selects, as canonical JSON writes them. */
function textsOf({ identity, owner, process, run, lease, outcome }: RecordQuery): Buffer[] {
  return [identity, owner, process, run, lease, outcome]
    .filter((value) => value !== undefined)
    .map((value) => Buffer.from(JSON.stringify(value)));
}
