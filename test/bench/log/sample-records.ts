import { encodeRecord, type AuditRecord } from '@tallystick/audit';

/** Identities of sample records, which take turns. */
export const SAMPLE_IDENTITIES = 100;

export function sampleIdentity(seq: number): string {
  return `spiffe://acme.example/payments/service-${String(seq % SAMPLE_IDENTITIES).padStart(3, '0')}`;
}

/** The members of {@link sampleRecord} that differ from one to the next, as the template has them. */
const SEQ = 1_234_567_890_123;
const ULID = '01M827D9X00000000000000000';
const LEASE = '01M827D9X11111111111111111';
const TIME = '2026-11-22T18:13:34.772Z';
const IDENTITY = sampleIdentity(0);

/**
 * Returns the record of a release as a sidecar writes it for a token of its own that is leased already, by all members:
 * about 1,500 bytes.
 */
export function sampleRecord(origin: string, { id = ULID, lease = LEASE, seq = SEQ, time = TIME } = {}): AuditRecord {
  return {
    actor: IDENTITY,
    body: {
      assurance: 'process',
      binding: 'dpop',
      entitlement: 'ledger-api',
      fp: 'hmac-sha256:282bd9202279613e:94aee65bfde808ca2013b8bcaa4f1d9b2b01bdfffea745b7000a7141897a44b7',
      from: { node: 'vm', pid: 8079, podUid: null, uid: 1001 },
      granted: { audience: 'https://ledger.acme.example', scope: ['journal.write'] },
      handles: { jti: `ls_${lease}` },
      jkt: 'sTnjdOR2Zt-sgiUE7BvOkQOHH-ejr34Ks0BAjvNzUds',
      name: 'ledger-api',
      notAfter: '2026-11-22T18:28:34.000Z',
      proof: {
        iat: 1_795_371_214,
        jti: 'eUoRX1xU5PgDAZE87JwG4Q',
        sha256: '06amM2EF3AspBD7M3d7atRumPz0HTr16Da0jqxS4ZUs',
      },
      provider: 'issuer',
      requestHash: 'MQ-yffHYlMS2jh5fu3eAhAfX9GxrmmwMnyEMTQsXMzk',
      requested: { clientId: null, resource: null, scope: null },
      selectors: ['tallystick:socket:app', 'unix:gid:1001', 'unix:path:/usr/local/bin/node', 'unix:uid:1001'],
      source: 'cache',
      v: 1,
    },
    boot: '01M827D9PAAHAHF8YPCXMTCGZS',
    clock: null,
    corr: null,
    id,
    lease: `ls_${lease}`,
    origin,
    outcome: 'success',
    owner: { accountable: null, backup: null, id: 'team-payments', kind: 'team' },
    process: { claimed: null, match: null, registered: ['BP-1042'] },
    reason: 'entitled',
    refs: [],
    registry: {
      entry: 'sV80jFwJ3iW-Bw8nFNOI-L_pPAuKgMkdr0if9EwxXXA',
      root: 'sV80jFwJ3iW-Bw8nFNOI-L_pPAuKgMkdr0if9EwxXXA',
    },
    seq,
    time,
    trace: null,
    type: 'credential.released',
    v: 1,
  } as AuditRecord;
}

/**
 * Returns what makes the bytes of such records in a microsecond or two each, encoded once: with identities that take
 * turns, ids and leases of their own, ten a second.
 */
export function sampleRecords(origin: string, startMs: number): (seq: number) => Buffer {
  const template = encodeRecord(sampleRecord(origin)).toString();
  const parts = template.split(new RegExp(`(${[IDENTITY, ULID, LEASE, SEQ, TIME].join('|')})`));
  const places: Readonly<Record<string, (seq: number) => string | number>> = {
    [IDENTITY]: sampleIdentity,
    [ULID]: (seq) => ulidOf(seq, '0'),
    [LEASE]: (seq) => ulidOf(seq, '1'),
    [SEQ]: (seq) => seq,
    [TIME]: (seq) => new Date(startMs + seq * 100).toISOString(),
  };
  const makers = parts.map((part) => places[part] ?? part);
  return (seq) => {
    let text = '';
    for (const maker of makers) text += typeof maker === 'string' ? maker : maker(seq);
    return Buffer.from(text, 'latin1');
  };
}

/** Returns a ULID that no other sample has. */
function ulidOf(seq: number, kind: string): string {
  return `01M827D9X${kind}${seq.toString(10).padStart(16, '0')}`;
}
