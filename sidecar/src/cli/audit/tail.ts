import { setTimeout } from 'node:timers/promises';
import type { Leaf } from '@tallystick/audit';
import { TallystickError } from '@tallystick/core';
import { defineCommand, EXIT, UsageError, type Output } from '../command.ts';
import { table } from '../table.ts';
import { DIR_OPTIONS, logsFolderOf, TRUST_OPTIONS, trustOf, type Trust } from './log-options.ts';
import { READ_OPTIONS, recordRead } from './recorded-read.ts';
import { RECORD_HEADS, recordCells, recordJson } from './record-lines.ts';
import { edgeAt, openSignedLogs, signedLeaves, type SignedLog } from './signed-log.ts';

const DEFAULT_COUNT = 20;
/** A sidecar publishes once a second. */
const POLL_MS = 1000;

/** `tallystick audit tail`: the newest records, each held to the signed head before it is shown. */
export const tail = defineCommand({
  name: 'audit tail',
  summary: 'show the newest records, and those that come',
  options: {
    ...DIR_OPTIONS,
    ...TRUST_OPTIONS,
    ...READ_OPTIONS,
    count: { type: 'string', value: 'COUNT', doc: `how many to begin with; ${DEFAULT_COUNT} without it` },
    follow: { type: 'boolean', doc: 'go on with what is published from now on, until interrupted' },
    json: { type: 'boolean', doc: 'print one JSON value a line' },
  },
  async run(invocation) {
    const { options, stdout } = invocation;
    const count = options.count === undefined ? DEFAULT_COUNT : Number(options.count);
    if (!Number.isSafeInteger(count) || count < 0 || options.count === '') {
      throw new UsageError('--count is a number of records');
    }
    const dir = await logsFolderOf(invocation);
    const trust = trustOf(options, dir);
    const logs = openSignedLogs(dir, trust);
    const newest = await newestLeaves(logs, count);
    // Once, also where it goes on: each record of a read would be a record to read.
    const command = options.follow === true ? 'audit tail --follow' : 'audit tail';
    await recordRead(invocation, logs, { command, query: {}, returned: newest.length, source: 'leaves' });
    print(stdout, newest, options.json === true, true);
    if (options.follow === true)
      await follow(dir, trust, logs.at(-1)!, (leaves) => print(stdout, leaves, options.json === true, false));
    return EXIT.ok;
  },
});

async function newestLeaves(logs: readonly SignedLog[], count: number): Promise<Leaf[]> {
  const newest: Leaf[] = [];
  for (const log of logs.toReversed()) {
    const from = Math.max(0, log.size - (count - newest.length));
    newest.unshift(...(await leavesFrom(log, from)));
    if (newest.length >= count) break;
  }
  return newest;
}

/** Never returns but by an interrupt, or a log that contradicts what was shown of it. */
async function follow(
  dir: string,
  trust: Trust,
  newest: SignedLog,
  show: (leaves: readonly Leaf[]) => void,
): Promise<void> {
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort());
  let last = newest;
  while (await pause(ended.signal)) {
    const logs = openSignedLogs(dir, trust);
    const at = logs.findIndex(({ path }) => path === last.path);
    if (at < 0) throw new TallystickError('log_invalid', `the log ${last.path} is gone`, { remedy: REMEDY });
    for (const log of logs.slice(at)) {
      const from = log.path === last.path ? last : undefined;
      if (from && log.size === from.size && Buffer.compare(log.root, from.root) === 0) continue;
      show(await leavesFrom(log, from?.size ?? 0, from?.root));
      last = log;
    }
  }
}

const REMEDY = 'run "tallystick audit verify --consistency CHECKPOINT" with a head that you kept';

/** Returns the leaves from an index on, of a tree whose head had this root there. */
async function leavesFrom(log: SignedLog, from: number, root?: Uint8Array): Promise<Leaf[]> {
  const edge = from <= log.size ? await edgeAt(log, from) : undefined;
  if (!edge || (root && !edge.root().equals(root))) {
    throw new TallystickError('log_invalid', `the log ${log.path} contradicts a head that it had`, { remedy: REMEDY });
  }
  return [...signedLeaves(log, { edge })];
}

function pause(signal: AbortSignal): Promise<boolean> {
  return setTimeout(POLL_MS, true, { signal }).catch(() => false);
}

function print(stdout: Output, leaves: readonly Leaf[], json: boolean, withHeads: boolean): void {
  const lines = json
    ? leaves.map((leaf) => JSON.stringify(recordJson(leaf)))
    : withHeads
      ? table(RECORD_HEADS, leaves.map(recordCells))
      : leaves.map((leaf) => recordCells(leaf).join('  '));
  if (lines.length > 0) stdout.write(`${lines.join('\n')}\n`);
}
