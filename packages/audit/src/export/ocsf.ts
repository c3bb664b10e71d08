import type { AuditRecord, ForeignRecord } from '../record/record.ts';
import { knownRecordOf, type Leaf } from '../record/leaf.ts';
import { linePlace, parseLine, type ExportFormat } from './export-format.ts';
import { ocsfActivity } from './ocsf-class.ts';
import { parseOrigin } from '../record/origin.ts';

/** The one released version of the schema that events follow (https://schema.ocsf.io/1.9.0). */
export const OCSF_VERSION = '1.9.0';

const USER = { SYSTEM: 3, ADMIN: 2, SERVICE: 4 } as const;

/** One OCSF event a line. */
export const OCSF: ExportFormat = {
  name: 'ocsf',
  header: null,
  lineEnd: '\n',
  line: (leaf, record) => JSON.stringify(ocsfEvent(leaf, record)),
  place(line) {
    const metadata = parseLine(line)?.['metadata'] as Record<string, unknown> | undefined;
    return linePlace(metadata?.['log_name'], metadata?.['sequence']);
  },
};

/**
 * Returns a record as an OCSF event: credentials as API Activity (6003), the life of identities as User Management
 * (3007), recognition as Authentication (3002), everything else as API Activity. It is a copy for a SIEM; the evidence
 * is the leaf, whose hash is in `unmapped`.
 */
export function ocsfEvent(leaf: Leaf, record: AuditRecord | ForeignRecord): Record<string, unknown> {
  const { classUid, activityId, activityName } = ocsfActivity(record.type);
  const known = knownRecordOf(leaf);
  const categoryUid = Math.floor(classUid / 1000);
  return {
    activity_id: activityId,
    activity_name: activityName,
    category_uid: categoryUid,
    class_uid: classUid,
    type_uid: classUid * 100 + activityId,
    time: Date.parse(record.time),
    severity_id: record.outcome === 'success' ? 1 : 2,
    ...status(record),
    ...counted(known),
    metadata: {
      version: OCSF_VERSION,
      product: { name: 'Tallystick', vendor_name: 'Tallystick' },
      uid: record.id,
      log_name: record.origin,
      sequence: record.seq,
      event_code: record.type,
      original_time: record.time,
      ...(record.corr === null ? {} : { correlation_uid: record.corr }),
      // Authentication and User Management have no `trace` profile.
      ...(record.trace && classUid === 6003 ? { profiles: ['trace'] } : {}),
    },
    ...(record.trace && classUid === 6003 ? { trace: { uid: record.trace.trace_id } } : {}),
    actor: actor(record, known),
    src_endpoint: endpoint(record, known),
    ...(classUid === 6003 ? { api: api(record, known), resources: resources(record, known) } : {}),
    ...(classUid === 3007 ? { user: user(subject(record, known)) } : {}),
    // Nobody recognised whom the summary counts: all that is known is the uid.
    ...(classUid === 3002 ? { user: peer(known), service: { name: 'tallystick' } } : {}),
    unmapped: {
      leaf_hash: leaf.hash.toString('base64'),
      boot: record.boot,
      lease: record.lease,
      owner: record.owner,
      process: record.process,
      registry: record.registry,
      refs: record.refs,
      span_id: record.trace?.span_id ?? null,
      semantics_judged: known !== undefined,
    },
  };
}

function status({ outcome, reason }: AuditRecord | ForeignRecord): Record<string, unknown> {
  const [id, name] = outcome === 'success' ? [1, 'Success'] : outcome === 'unknown' ? [0, 'Unknown'] : [2, 'Failure'];
  return { status_id: id, status: name, status_code: outcome, ...(reason === null ? {} : { status_detail: reason }) };
}

/** Summaries stand for many events. */
function counted(known: AuditRecord | undefined): Record<string, unknown> {
  if (known?.type === 'denied.suppressed') return known.body.count === null ? {} : atLeastOne(known.body.count);
  if (known?.type !== 'attest.summary' && known?.type !== 'refused.summary') return {};
  return atLeastOne(Object.values(known.body.counts).reduce((sum, count) => sum + count, 0));
}

function atLeastOne(count: number): Record<string, unknown> {
  return count > 0 ? { count } : {};
}

function actor(record: AuditRecord | ForeignRecord, known: AuditRecord | undefined): Record<string, unknown> {
  if (record.actor === 'operator') {
    const operator = known && 'operator' in known.body ? known.body.operator : null;
    const uid = operator ? (operator.loginUid === null ? 'unattributed' : `uid:${operator.loginUid}`) : 'operator';
    return { user: { uid, type_id: USER.ADMIN, type: 'Admin' } };
  }
  if (record.actor === 'sidecar') {
    return { user: { uid: parseOrigin(record.origin)!.sidecarId, type_id: USER.SYSTEM, type: 'System' } };
  }
  const from = known && 'from' in known.body && known.body.from && 'pid' in known.body.from ? known.body.from : null;
  return { user: user(record.actor), ...(from ? { process: { pid: from.pid } } : {}) };
}

function user(id: string): Record<string, unknown> {
  const domain = id.startsWith('spiffe://') ? { domain: id.slice('spiffe://'.length).split('/')[0] } : {};
  return { uid: id, type_id: USER.SERVICE, type: 'Service', ...domain };
}

function subject(record: AuditRecord | ForeignRecord, known: AuditRecord | undefined): string {
  return known && 'identity' in known.body && known.body.identity !== null ? known.body.identity : record.actor;
}

function peer(known: AuditRecord | undefined): Record<string, unknown> {
  const uid = known?.type === 'attest.summary' ? known.body.uid : -1;
  return { uid: `unix:uid:${uid}`, type_id: 0, type: 'Unknown' };
}

function endpoint(record: AuditRecord | ForeignRecord, known: AuditRecord | undefined): Record<string, unknown> {
  const from = known && 'from' in known.body && known.body.from && 'node' in known.body.from ? known.body.from : null;
  return { uid: parseOrigin(record.origin)!.sidecarId, ...(from ? { hostname: from.node } : {}) };
}

function api(record: AuditRecord | ForeignRecord, known: AuditRecord | undefined): Record<string, unknown> {
  const provider = known && 'provider' in known.body ? known.body.provider : null;
  return { operation: record.type, service: { name: provider ?? 'tallystick' } };
}

function resources(record: AuditRecord | ForeignRecord, known: AuditRecord | undefined): readonly unknown[] {
  const name = known && 'name' in known.body ? known.body.name : null;
  const leases = known && 'leases' in known.body && Array.isArray(known.body.leases) ? known.body.leases : [];
  const owner = record.owner ? { owner: { uid: record.owner.id, type_id: 0, type: 'Unknown' } } : {};
  const ids = new Set<string>([...(record.lease === null ? [] : [record.lease]), ...leases]);
  return [...ids].map((uid) => ({ uid, type: 'lease', ...(name === null ? {} : { name }), ...owner }));
}
