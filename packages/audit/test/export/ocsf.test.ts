import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import {
  EXPORT_FORMATS,
  OCSF_VERSION,
  ocsfEvent,
  recordOf,
  type AuditRecord,
  type Leaf,
  type RecordType,
} from '../../src/index.ts';
import { BODIES } from '../../src/record/record.ts';
import { LogWriter } from '../record/log-writer.ts';
import { asked, plausibleLog, suspend, identity } from '../record/plausible-log.ts';

const schema = JSON.parse(readFileSync(new URL('ocsf-1.9.0.json', import.meta.url), 'utf8')) as object;
const validate = new Ajv2020({ allErrors: true, strict: false, strictSchema: true }).compile(schema);

const { leaves } = plausibleLog();
const eventOf = (leaf: Leaf) => ocsfEvent(leaf, recordOf(leaf)!);

function faults(event: unknown): string[] {
  validate(event);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

function first(type: RecordType): Leaf {
  return leaves.find((leaf) => recordOf(leaf)!.type === type)!;
}

describe('OCSF', () => {
  it('has an event of the released schema for every record of a log', () => {
    for (const leaf of leaves) expect(faults(eventOf(leaf))).toEqual([]);
  });

  it('has one for a record of every type, of a later release, and with as little as a record may have', () => {
    const bare = new LogWriter().record('sidecar.stopped', { cause: 'x', v: 1 });
    for (const type of [...Object.keys(BODIES), 'credential.lost']) {
      for (const actor of ['sidecar', 'operator', 'spiffe://acme.example/x']) {
        for (const outcome of ['success', 'denied', 'failed', 'unknown'] as const) {
          const record = { ...bare, type, actor, outcome } as AuditRecord;
          const leaf = { ...leaves[0]!, content: { known: false, record } } as Leaf;
          expect(faults(ocsfEvent(leaf, record))).toEqual([]);
        }
      }
    }
  });

  it.each([
    ['credential.intent', 600301],
    ['credential.outcome', 600301],
    ['credential.released', 600302],
    ['credential.denied', 600302],
    ['credential.revoked', 600304],
    ['identity.registered', 300701],
    ['identity.owner_changed', 300702],
    ['identity.retired', 300703],
    ['identity.resumed', 300704],
    ['identity.suspended', 300705],
    ['attest.summary', 300201],
    ['log.heartbeat', 600399],
  ] as const)('has %s as %i', (type, uid) => {
    expect(eventOf(first(type))).toMatchObject({
      type_uid: uid,
      class_uid: Math.floor(uid / 100),
      activity_id: uid % 100,
      category_uid: Math.floor(uid / 100_000),
    });
  });

  it('names the record, its log, its index and its leaf, and the one version of the schema', () => {
    const leaf = first('credential.released');
    const record = recordOf(leaf)!;
    expect(OCSF_VERSION).toBe('1.9.0');
    expect(eventOf(leaf)).toMatchObject({
      metadata: {
        uid: record.id,
        log_name: record.origin,
        sequence: record.seq,
        version: '1.9.0',
        profiles: ['trace'],
      },
      time: Date.parse(record.time),
      trace: { uid: record.trace!.trace_id },
      resources: [{ uid: record.lease, name: 'ledger-api', owner: { uid: 'team-close' } }],
      unmapped: { leaf_hash: leaf.hash.toString('base64'), semantics_judged: true },
    });
    expect(EXPORT_FORMATS.ocsf.place(EXPORT_FORMATS.ocsf.line(leaf, record))).toEqual({
      origin: record.origin,
      seq: record.seq,
    });
  });

  it('says who, of workloads, of operators who logged in, and of those who did not', () => {
    expect(eventOf(first('credential.denied'))).toMatchObject({
      status_id: 2,
      status_detail: 'not_entitled',
      actor: { user: { uid: identity('batch').id, domain: 'acme.example' }, process: { pid: 4242 } },
    });
    expect(eventOf(first('identity.suspended'))).toMatchObject({
      actor: { user: { uid: 'uid:1000', type_id: 2 } },
      user: { uid: identity('batch').id },
    });
    expect(eventOf(first('identity.resumed'))).toMatchObject({ actor: { user: { uid: 'unattributed' } } });
    expect(eventOf(first('attest.summary'))).toMatchObject({ count: 3, status_id: 2, user: { uid: 'unix:uid:1002' } });
  });

  it('is held to the schema: what it requires, allows, enumerates and wants one of', () => {
    const event = eventOf(first('credential.released'));
    for (const name of [
      'activity_id',
      'category_uid',
      'class_uid',
      'metadata',
      'severity_id',
      'time',
      'type_uid',
      'actor',
      'api',
      'src_endpoint',
    ]) {
      const { [name]: _, ...rest } = event;
      expect(faults(rest)).not.toEqual([]);
    }
    for (const wrong of [
      { severity_id: 7 },
      { time: '2026-11-22' },
      { activity_id: 5 },
      { type_uid: 300701 },
      { src_endpoint: {} },
      { actor: {} },
      { colour: 'x' },
      { class_uid: 3001 },
    ]) {
      expect(faults({ ...event, ...wrong })).not.toEqual([]);
    }
    const { service: _, ...attested } = eventOf(first('attest.summary'));
    expect(faults(attested)).not.toEqual([]);
  });

  it('holds nothing of a body that has no place in the schema', () => {
    const log = new LogWriter();
    suspend(log, identity('close'));
    log.append('credential.denied', asked({ proof: { iat: 0, jti: 'canary', sha256: asked().jkt } }), {
      outcome: 'denied',
    });
    for (const leaf of log.leaves) expect(JSON.stringify(eventOf(leaf))).not.toContain('canary');
  });
});
