import { formatUsageReceipt, parseUsageReport, ROUTES } from '@tallystick/protocol';
import type { LogHeads } from '../../record/heads/log-heads.ts';
import type { UsageRecords } from '../../record/usage/usage-records.ts';
import type { Admission } from '../../release/admit.ts';
import { json } from '../answer.ts';
import { JSON_TYPE, readText } from '../body.ts';
import { admitProven } from './proven.ts';
import type { WorkloadRoute } from './route.ts';

/** What the usage route is made of. */
export interface UsageRouteParts {
  readonly admission: Admission;
  readonly issuer: string;
  readonly usageRecords: UsageRecords;
  readonly heads: LogHeads;
}

/** `POST /v1/usage`: what a holder says it did with its leases. Answered when that is on record. */
export function usageRoute({ admission, issuer, usageRecords, heads }: UsageRouteParts): WorkloadRoute {
  return {
    method: 'POST',
    path: ROUTES.usage,
    async handle(exchange) {
      const body = await readText(exchange.request, JSON_TYPE);
      const report = parseUsageReport(body);
      const { identity, proof } = await admitProven(admission, issuer, exchange, Buffer.from(body));
      if (report.logHead !== undefined) await heads.judge(report.logHead);
      const recordId = await usageRecords.reported({ identity, jkt: proof.jkt, report, trace: exchange.trace });
      return json(formatUsageReceipt({ report: report.report, recordId, logHead: heads.newest() }));
    },
  };
}
