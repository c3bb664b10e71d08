import {
  inventoryAt,
  neutralText,
  readLeaf,
  recordOf,
  type Inventory,
  type InventoryItem,
  type Leaf,
} from '@tallystick/audit';
import { jsonText } from '../ask-sidecar.ts';
import { defineCommand, EXIT, JSON_OPTION, UsageError } from '../command.ts';
import { table } from '../table.ts';
import { parseInstant } from './instant.ts';
import { DIR_OPTIONS, logsFolderOf, TRUST_OPTIONS, trustOf } from './log-options.ts';
import { READ_OPTIONS, recordRead } from './recorded-read.ts';
import { bundleOf, openSignedLogs, signedLeaves, type SignedLog } from './signed-log.ts';

/** `tallystick audit inventory`: all identities at an instant, from the log alone. */
export const inventory = defineCommand({
  name: 'audit inventory',
  summary: 'list all identities, their owners and rights at an instant, from the log alone',
  options: {
    ...DIR_OPTIONS,
    ...TRUST_OPTIONS,
    ...READ_OPTIONS,
    at: { type: 'string', value: 'TIME', doc: 'the instant, with its zone: 2026-11-22T08:00:00Z' },
    ...JSON_OPTION,
  },
  async run(invocation) {
    const { options, stdout, stderr } = invocation;
    if (options.at === undefined) throw new UsageError('say when: --at 2026-11-22T08:00:00Z');
    const atMs = parseInstant('--at', options.at);
    const dir = await logsFolderOf(invocation);
    const trust = trustOf(options, dir);
    const logs = openSignedLogs(dir, trust);
    const found = inventoryAt(leavesOf(logsThatMatter(logs, atMs)), atMs);
    const query = { to: found.at };
    const returned = found.identities.length;
    await recordRead(invocation, logs, { command: 'audit inventory', query, returned, source: 'leaves' });
    if (options.json) {
      stdout.write(jsonText({ key: trust.source, ...found }));
      return EXIT.ok;
    }
    const rows = found.identities.map(row);
    stdout.write(`${table(['identity', 'owner', 'state', 'expires', 'entitlements', 'said by'], rows).join('\n')}\n`);
    stderr.write(`${summaryOf(found)}${trust.source === 'folder' ? '; the key is that of the folder itself' : ''}\n`);
    return EXIT.ok;
  },
});

/**
 * Returns the log in which the instant lies, and all later ones: each begins with every identity there is, and a
 * suspension may be recorded late.
 */
function logsThatMatter(logs: readonly SignedLog[], atMs: number): readonly SignedLog[] {
  const first = logs.findLastIndex((log) => {
    const begun = log.size > 0 && recordOf(readLeaf(log.origin, 0, bundleOf(log, 0)[0]!));
    return begun && Date.parse(begun.time) <= atMs;
  });
  return logs.slice(Math.max(0, first));
}

function* leavesOf(logs: readonly SignedLog[]): Generator<Leaf> {
  for (const log of logs) yield* signedLeaves(log);
}

function row({ id, owner, state, object, entitlements, says }: InventoryItem): readonly string[] {
  const rights = entitlements.map(({ credential }) => credential).join(', ') || 'none';
  const { origin, seq } = says.object;
  const place = `${origin.split('/').slice(-2).join('/')}/${seq}`;
  return [id, owner.id, state, object.expires, rights, place].map(neutralText);
}

function summaryOf({ at, identities, upTo, notJudged }: Inventory): string {
  const last = upTo ? `up to record ${upTo.seq} of ${upTo.origin}` : 'the log begins later';
  const unknown = notJudged > 0 ? `; ${notJudged} records are of a later release, and not judged` : '';
  return `${identities.length} identities at ${at}, ${last}${unknown}`;
}
