import { hash } from 'node:crypto';
import type { IdentityObject } from '@tallystick/core';
import type { AuditRecord, Leaf, RecordBodies } from '../../src/index.ts';
import { LogWriter } from './log-writer.ts';

export const DURABILITY = { class: 'node', fileSystem: 'ext4' } as const;
export const OPERATOR = { loginUid: 1000, reason: 'INC-4711: leaver', tty: 'pts/3', uid: 0 };
export const VKEY = 'acme.example/log+1a2b3c4d+AUIPaiN1NZIRHbBVEeFvoBkF2vcxiGKYIFpi9W0wsLwh';

export const digestOf = (text: string): string => hash('sha256', text, 'base64url');

export function identity(name: string, members: Partial<IdentityObject> = {}): IdentityObject {
  return {
    businessProcesses: ['BP-1042'],
    entitlements: [{ credential: 'ledger-api', minAssurance: 'process', scope: null }],
    environment: 'production',
    expires: '2027-06-30',
    id: `spiffe://acme.example/payments/${name}`,
    kind: 'workload',
    match: [['unix:uid:1001', 'tallystick:socket:app']],
    owner: { accountable: null, backup: 'team-platform', id: `team-${name}`, kind: 'team' },
    purpose: 'posts the month-end journal — Monatsabschluß',
    receives: [],
    revocable: 'exp',
    ...members,
  };
}

/** The body of a request for a credential, of our own issuer unless said otherwise. */
export function asked(members: Partial<RecordBodies['credential.released']> = {}): RecordBodies['credential.released'] {
  return {
    assurance: 'process',
    binding: 'dpop',
    entitlement: 'ledger-api',
    fp: null,
    from: { node: 'node-7', pid: 4242, podUid: null, uid: 1001 },
    granted: { audience: 'https://ledger.acme.example', scope: ['journal.write'] },
    handles: { jti: 'ls-handle' },
    jkt: digestOf('key'),
    name: 'ledger-api',
    notAfter: '2026-11-22T23:15:00.000Z',
    proof: { iat: 1_795_000_000, jti: 'proof-1', sha256: digestOf('proof') },
    provider: 'issuer',
    requestHash: digestOf('request'),
    requested: { clientId: null, resource: 'https://ledger.acme.example', scope: null },
    selectors: ['unix:uid:1001', 'tallystick:socket:app'],
    source: 'minted',
    v: 1,
    ...members,
  };
}

export function processOf(run: string): NonNullable<AuditRecord['process']> {
  return { claimed: { id: 'BP-1042', run, ticket: 'CHG-88123' }, match: true, registered: ['BP-1042'] };
}

export function begin(log: LogWriter): void {
  log.append('log.genesis', {
    cause: 'new',
    durability: DURABILITY,
    fingerprints: null,
    fiscalYearStart: '01-01',
    operator: null,
    previous: null,
    v: 1,
    version: '0.2.0',
    vkey: VKEY,
    zone: 'Europe/Berlin',
  });
  bootRecord(log);
}

export function bootRecord(log: LogWriter, previousBoot: string | null = null): Leaf {
  return log.append('log.boot', { durability: DURABILITY, openIntents: 0, previousBoot, v: 1, version: '0.2.0' });
}

export function register(log: LogWriter, object: IdentityObject): Leaf {
  log.identities.set(object.id, object);
  const change = { approver: 'u-17', author: 'u-23', ref: 'git:4bf92f3', signature: null };
  return log.append('identity.registered', { change, identity: object.id, object, v: 1 });
}

export function release(log: LogWriter, actor: string, members: Partial<AuditRecord> = {}): Leaf {
  return log.append('credential.released', asked(), {
    actor,
    lease: log.lease(),
    process: processOf('run-1'),
    reason: 'entitled',
    trace: { span_id: '00f067aa0ba902b7', trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' },
    ...members,
  } as Partial<AuditRecord>);
}

/** Records an intent, what became of it, and the release. */
export function mint(log: LogWriter, actor: string): Leaf[] {
  const lease = log.lease();
  const body = {
    ...asked({ entitlement: 'ledger-db', name: 'ledger-db', provider: 'vault-eu' }),
    binding: 'none' as const,
  };
  const intent = log.append(
    'credential.intent',
    { ...body, granted: null, handles: null, source: null },
    { actor, lease },
  );
  log.nowMs += 40;
  const corr = (intent.content as { record: AuditRecord }).record.id;
  const handles = { databaseUser: 'v-ledger-1', vaultLeaseHmac: 'hmac-sha256:ab12' };
  const outcome = log.append(
    'credential.outcome',
    { error: null, handles, notAfter: body.notAfter, provider: 'vault-eu', status: 'minted', v: 1 },
    { actor, corr, lease },
  );
  const released = log.append(
    'credential.released',
    { ...body, handles },
    { actor, corr, lease, process: processOf('run-2') },
  );
  return [intent, outcome, released];
}

/** A log of some hundred records, as a sidecar with three identities writes it in two hours. Nothing is wrong with it. */
export function plausibleLog(): LogWriter {
  const log = new LogWriter();
  begin(log);
  log.append('sidecar.started', { node: 'v26.1.0', v: 1, version: '0.2.0' });
  const [close, report, batch] = [identity('close'), identity('report', { kind: 'ai_agent' }), identity('batch')];
  for (const each of [close, report, batch]) register(log, each);
  log.append('config.loaded', { credentials: 2, identities: 3, sha256: digestOf('config'), source: 'file', v: 1 });
  for (let minute = 0; minute < 120; minute++) {
    log.nowMs += 60_000;
    if (minute % 3 === 0) release(log, close.id);
    if (minute % 7 === 0) mint(log, report.id);
    if (minute % 11 === 0) {
      log.append(
        'credential.denied',
        asked({
          binding: null,
          granted: null,
          handles: null,
          name: null,
          notAfter: null,
          provider: null,
          source: null,
        }),
        {
          actor: batch.id,
          outcome: 'denied',
          process: processOf('=HYPERLINK("http://evil.example")'),
          reason: 'not_entitled',
        },
      );
    }
    if (minute % 17 === 0) {
      const counts = { identity_unknown: 2, peer_gone: 1 };
      const times = { first: new Date(log.nowMs - 60_000).toISOString(), last: new Date(log.nowMs).toISOString() };
      log.append('attest.summary', { counts, ...times, uid: 1002, v: 1 }, { outcome: 'denied' });
      log.append('refused.summary', { counts: { invalid_token: 4 }, ...times, uid: 1002, v: 1 }, { outcome: 'denied' });
    }
    log.append('log.heartbeat', { anchor: null, durability: DURABILITY, v: 1 });
  }
  suspend(log, batch);
  log.append(
    'credential.revoked',
    {
      by: 'operator',
      effectiveAt: null,
      identity: batch.id,
      jkt: null,
      late: false,
      leases: [log.lease(), log.lease()],
      operator: OPERATOR,
      upstream: null,
      v: 1,
    },
    { actor: 'operator', reason: OPERATOR.reason },
  );
  log.append(
    'identity.resumed',
    { change: null, identity: batch.id, object: batch, operator: { ...OPERATOR, loginUid: null }, v: 1 },
    { actor: 'operator' },
  );
  const owner = { ...report.owner, id: 'team-controlling' };
  const moved = { ...report, owner };
  const previous = log.record('log.boot', {} as never, { actor: report.id }).registry;
  log.identities.set(moved.id, moved);
  log.append('identity.owner_changed', {
    change: { approver: 'u-17', author: 'u-23', ref: null, signature: null },
    from: report.owner,
    identity: moved.id,
    object: moved,
    previous: previous?.entry ?? digestOf('before'),
    v: 1,
  });
  const used = { count: 7, first: new Date(log.nowMs - 1000).toISOString(), last: new Date(log.nowMs).toISOString() };
  const process = { id: 'BP-1042', run: 'run-1', ticket: null };
  log.append(
    'usage.reported',
    {
      final: true,
      grade: 'reported',
      jkt: digestOf('key'),
      report: 0,
      uses: [{ ...used, lease: log.lease(), process, target: 'https://ledger.acme.example' }],
      v: 1,
    },
    { actor: close.id },
  );
  log.append('issuer.key_rotated', { kid: 'k2', operator: null, previous: 'k1', v: 1 });
  log.append(
    'admin.action',
    { command: 'issuer rotate', operator: OPERATOR, target: null, v: 1 },
    { actor: 'operator' },
  );
  log.append(
    'log.read',
    { operator: OPERATOR, query: { identity: close.id }, returned: 40, source: 'leaves', v: 1 },
    { actor: 'operator' },
  );
  log.identities.delete(batch.id);
  log.append('identity.retired', { change: null, identity: batch.id, object: batch, v: 1 });
  release(log, moved.id);
  return log;
}

export function suspend(
  log: LogWriter,
  object: IdentityObject,
  late: { effectiveAt: string | null; late: boolean } = { effectiveAt: null, late: false },
): Leaf {
  return log.append(
    'identity.suspended',
    { change: null, ...late, identity: object.id, object, operator: OPERATOR, v: 1 },
    { actor: 'operator', reason: OPERATOR.reason },
  );
}
