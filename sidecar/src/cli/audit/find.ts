import { knownRecordOf, neutralText, VERIFY_EXIT, type AuditRecord, type Leaf } from '@tallystick/audit';
import { createFingerprint } from '../../record/fingerprint/fingerprint.ts';
import { jsonText } from '../ask-sidecar.ts';
import { defineCommand, JSON_OPTION, UsageError, type ExitCode } from '../command.ts';
import { table } from '../table.ts';
import { KEY_OPTIONS, searchableLogs, type SearchableLog } from './fingerprint-keys.ts';
import { judging } from './judgement.ts';
import { DIR_OPTIONS, logsFolderOf, TRUST_OPTIONS, trustOf } from './log-options.ts';
import { readSecret } from './read-secret.ts';
import { recordJson } from './record-lines.ts';
import { READ_OPTIONS, recordRead } from './recorded-read.ts';
import { openSignedLogs, signedLeaves } from './signed-log.ts';

/** `tallystick audit find`: to whom a secret was released that has leaked, from verified leaves. */
export const find = defineCommand({
  name: 'audit find',
  summary: 'find to whom a leaked secret was released, and when: the secret is piped in',
  // Named so that one that is typed as an argument comes here, and into no message.
  operands: '< FILE',
  options: {
    'secret-stdin': { type: 'boolean', doc: 'read the secret from standard input; there is no other way' },
    ...DIR_OPTIONS,
    ...TRUST_OPTIONS,
    ...KEY_OPTIONS,
    ...READ_OPTIONS,
    ...JSON_OPTION,
  },
  run(invocation) {
    const { options, positionals, stdin, stdout, stderr, clock } = invocation;
    if (options['secret-stdin'] !== true || positionals.length > 0) {
      throw new UsageError('pipe the secret in, where no list of processes shows it: --secret-stdin < FILE');
    }
    return judging(stderr, async () => {
      const dir = await logsFolderOf(invocation);
      const trust = trustOf(options, dir);
      const logs = openSignedLogs(dir, trust);
      const searchable = await searchableLogs(invocation, logs);
      const secrets = await readSecret(stdin());
      const found = searchable.flatMap((log) => leavesNaming(log, secrets));
      const told = { command: 'audit find', query: {}, returned: found.length, source: 'leaves' } as const;
      await recordRead(invocation, logs, { ...told, named: found });
      const search = searchOf(searchable);
      if (options.json) stdout.write(jsonText({ key: trust.source, ...search, records: found.map(recordJson) }));
      else {
        if (found.length > 0) stdout.write(`${table(HEADS, found.map(cells)).join('\n')}\n`);
        const key = trust.source === 'folder' ? '; the key of the log is that of the folder itself' : '';
        stderr.write(`${describe(found.length, search)}${key}\n${remedy(found, clock.nowMs())}`);
      }
      return exitCode(found.length, search);
    });
  },
});

/** Reads a log to its end, and returns the leaves that name a secret. */
function leavesNaming({ log, keys }: SearchableLog, secrets: readonly Buffer[]): Leaf[] {
  const names = new Set(
    [...keys.values()].flatMap((key) => {
      const fingerprint = createFingerprint(key);
      return secrets.map((secret) => fingerprint(secret));
    }),
  );
  if (names.size === 0) return [];
  const holdingAny = [...names].map((name) => Buffer.from(name));
  return [...signedLeaves(log, { holdingAny })].filter((leaf) => names.has(released(leaf)?.fp ?? ''));
}

type Released = Extract<AuditRecord['body'], { readonly fp: unknown }>;

function released(leaf: Leaf): Released | undefined {
  const body = knownRecordOf(leaf)?.body;
  return body && 'fp' in body ? body : undefined;
}

interface Search {
  /** Where it was looked for, by which keys. */
  readonly searched: readonly { readonly log: string; readonly keys: readonly string[] }[];
  /** Where it could not be: the key that made the fingerprints there, null where that is unknown. */
  readonly notSearched: readonly { readonly log: string; readonly key: string | null }[];
}

function searchOf(logs: readonly SearchableLog[]): Search {
  return {
    searched: logs
      .filter(({ keys }) => keys.size > 0)
      .map(({ log, keys }) => ({ log: log.path, keys: [...keys.keys()] })),
    notSearched: logs.filter(({ keys }) => keys.size === 0).map(({ log, keyId }) => ({ log: log.path, key: keyId })),
  };
}

function exitCode(found: number, { notSearched }: Search): ExitCode {
  if (found > 0) return VERIFY_EXIT.holds;
  return notSearched.length > 0 ? VERIFY_EXIT.not_shown : VERIFY_EXIT.fails;
}

const HEADS: readonly string[] = ['time', 'who', 'owner', 'credential', 'lease', 'until', 'from', 'record'];

function cells(leaf: Leaf): readonly string[] {
  const { time, actor, owner, lease } = knownRecordOf(leaf)!;
  const { name, notAfter, from } = released(leaf)!;
  const place = `${leaf.origin.split('/').slice(-2).join('/')}/${leaf.index}`;
  const process = from && `${from.node} uid ${from.uid} pid ${from.pid}`;
  return [time, actor, owner?.id, name, lease, notAfter, process, place].map((cell) => neutralText(cell || '—'));
}

function describe(found: number, { searched, notSearched }: Search): string {
  const where = searched.map(({ log, keys }) => `${log} (key ${keys.join(', ')})`).join(', ');
  const count = found === 0 ? 'no record names it' : `${found} ${found === 1 ? 'record' : 'records'}`;
  const missing = notSearched.map(({ log, key }) => `${log} (key ${key ?? 'unknown'})`).join(', ');
  const looked = where === '' ? 'looked nowhere' : `${count}; from verified leaves; looked in ${where}`;
  return missing === '' ? looked : `${looked}; could not look in ${missing}: its key is not at hand`;
}

/** What to do about a secret that still opens something. */
function remedy(found: readonly Leaf[], nowMs: number): string {
  const live = found.filter((leaf) => Date.parse(released(leaf)!.notAfter ?? '') > nowMs);
  const leases = [...new Set(live.flatMap((leaf) => knownRecordOf(leaf)!.lease ?? []))];
  return leases.map((lease) => `end it now: tallystick leases revoke ${lease} --reason TEXT\n`).join('');
}
