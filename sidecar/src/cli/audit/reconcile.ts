import { VERIFY_EXIT, type RecordQuery } from '@tallystick/audit';
import { parseDurationMs } from '@tallystick/core';
import { jsonText } from '../ask-sidecar.ts';
import { defineCommand, JSON_OPTION, UsageError } from '../command.ts';
import { judging } from './judgement.ts';
import { DIR_OPTIONS, logsFolderOf, TRUST_OPTIONS, trustOf } from './log-options.ts';
import { QUERY_OPTIONS, queryOf } from './query-options.ts';
import { READ_OPTIONS, recordRead } from './recorded-read.ts';
import { compare } from './reconcile/compare.ts';
import { describeReconciliation } from './reconcile/describe.ts';
import type { Period } from './reconcile/scan-receipts.ts';
import { openSignedLogs } from './signed-log.ts';

const { since, until } = QUERY_OPTIONS;

/** `tallystick audit reconcile`: what APIs say was used against what the log says was released. Offline. */
export const reconcile = defineCommand({
  name: 'audit reconcile',
  summary: 'compare the receipts of APIs with the log: what was used without a record, and released and never seen',
  operands: 'FILE...',
  options: {
    ...DIR_OPTIONS,
    ...TRUST_OPTIONS,
    ...READ_OPTIONS,
    since,
    until,
    issuer: { type: 'string', value: 'URL', doc: 'judge tokens of this issuer alone; without it, all of them' },
    tolerance: {
      type: 'string',
      value: 'DURATION',
      doc: 'how far clocks may differ, and revocations take to reach an API; 10s without it',
    },
    ...JSON_OPTION,
  },
  run(invocation) {
    const { options, positionals: files, stdout, stderr } = invocation;
    if (files.length === 0) throw new UsageError('name the receipts: tallystick audit reconcile FILE...');
    const toleranceMs = parseDurationMs(options.tolerance ?? '10s');
    if (toleranceMs === undefined) throw new UsageError('--tolerance is a duration, such as 30s');
    const query = queryOf({ since: options.since, until: options.until });
    return judging(stderr, async () => {
      const dir = await logsFolderOf(invocation);
      const trust = trustOf(options, dir);
      const logs = openSignedLogs(dir, trust);
      const { issuer } = options;
      const report = await compare({
        files,
        dir,
        logs,
        key: trust.source,
        issuer,
        period: periodOf(query),
        toleranceMs,
      });
      const returned = report.findings.length + report.neverSeen.length;
      const read = { command: 'audit reconcile', query, returned, source: 'leaves' } as const;
      await recordRead(invocation, logs, read);
      stdout.write(options.json ? jsonText(report) : describeReconciliation(report));
      return VERIFY_EXIT[report.verdict];
    });
  },
});

function periodOf({ from, to }: RecordQuery): Period {
  return {
    fromMs: from === undefined ? -Infinity : Date.parse(from),
    toMs: to === undefined ? Infinity : Date.parse(to),
  };
}
