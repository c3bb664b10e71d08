import { BODY_VERSION, bodyFault, parseOrigin, type RecordType } from '@tallystick/audit';
import { isUlid, TallystickError } from '@tallystick/core';
import type { LogExport, LogRead, ReadRecords } from '../../record/read-records.ts';
import type { Operator, RecordRef } from '../../record/record.ts';
import { operatorOf } from './operator.ts';
import type { AdminExchange, AdminRoute } from './route.ts';

/** What the audit routes are made of. */
export interface AdminAuditParts {
  readonly records: ReadRecords;
  /** Origin of the log that takes records now. */
  readonly origin: string;
}

/** What an operator says who gives no reason: to read needs none. */
const NO_REASON = 'none given';
/** As many as a record may refer to. */
const MAX_RECORDS = 64;

/** What `audit log|tail|inventory|find|prove` and `audit export` tell, before they show what they have read. */
export function adminAuditRoutes({ records, origin }: AdminAuditParts): readonly AdminRoute[] {
  /** Records what was read of a log of this sidecar; of another one it says that it has nothing to record it in. */
  const told = async (
    { peer, body }: AdminExchange,
    record: (told: Record<string, unknown>, operator: Operator) => Promise<RecordRef>,
  ): Promise<{ readonly record_id: string | null }> => {
    const { origin: read, reason = NO_REASON, ...rest } = body;
    if (typeof read !== 'string') throw malformed(' has no "origin"');
    const operator = await operatorOf(peer, reason);
    if (!isOfOneSidecar(read, origin)) return { record_id: null };
    return { record_id: (await record(rest, operator)).id };
  };
  return [
    {
      method: 'POST',
      path: '/v1/audit/reads',
      handle: (exchange) =>
        told(exchange, ({ records: named, ...read }, operator) => {
          const refs = readRecords(named);
          requireBody('log.read', read, operator);
          return records.read({ ...(read as unknown as Omit<LogRead, 'records'>), records: refs }, operator);
        }),
    },
    {
      method: 'POST',
      path: '/v1/audit/exports',
      handle: (exchange) =>
        told(exchange, (made, operator) => {
          requireBody('log.exported', made, operator);
          return records.exported(made as unknown as LogExport, operator);
        }),
    },
  ];
}

/** True for logs of one sidecar, whatever their incarnations and shards. */
function isOfOneSidecar(one: string, other: string): boolean {
  const [a, b] = [parseOrigin(one), parseOrigin(other)];
  return a !== undefined && a.trustDomain === b?.trustDomain && a.sidecarId === b.sidecarId;
}

function requireBody(type: RecordType, body: Readonly<Record<string, unknown>>, operator: Operator): void {
  const fault = bodyFault(type, { ...body, operator, v: BODY_VERSION });
  if (fault !== undefined) throw malformed(fault);
}

function readRecords(value: unknown = []): LogRead['records'] {
  if (!Array.isArray(value) || value.length > MAX_RECORDS) throw malformed('.records is not a list of at most 64');
  return value.map((each: unknown) => {
    const { id, origin } = (each ?? {}) as Record<string, unknown>;
    if (typeof id !== 'string' || !isUlid(id) || typeof origin !== 'string' || parseOrigin(origin) === undefined) {
      throw malformed('.records names no record of a log');
    }
    return { id, origin };
  });
}

function malformed(fault: string): TallystickError {
  return new TallystickError('invalid_request', `what was read is not told as it must be: body${fault}`, {
    remedy: 'use the command and the sidecar of one version',
  });
}
