import { describe, expect, it } from 'vitest';
import { readLeaf, RecordError, type AuditRecord, type Leaf } from '../../src/index.ts';
import { judged } from './judged.ts';
import { LogWriter, ORIGIN, START_MS } from './log-writer.ts';
import {
  asked,
  begin,
  bootRecord,
  digestOf,
  DURABILITY,
  identity,
  mint,
  plausibleLog,
  register,
  release,
  suspend,
  VKEY,
} from './plausible-log.ts';

const close = identity('close');

/** A log that has begun and knows one identity. */
function begun(): LogWriter {
  const log = new LogWriter();
  begin(log);
  register(log, close);
  return log;
}

const at = (leaf: Leaf) => ({
  origin: leaf.origin,
  seq: leaf.index,
  id: (leaf.content as { record: AuditRecord }).record.id,
});

describe('judgement of a sequence of records', () => {
  it('finds nothing in a log by the rules', () => {
    const log = plausibleLog();
    expect(log.leaves.length).toBeGreaterThan(200);
    expect(judged(log.leaves)).toEqual({ findings: [], rules: [], ok: true, openIntents: 0 });
  });

  it('finds any one leaf that is left out, and says where', () => {
    const { leaves } = plausibleLog();
    for (let i = 1; i < leaves.length - 1; i += 5) {
      const { findings } = judged(leaves.toSpliced(i, 1));
      expect(findings[0]).toMatchObject({ rule: 'seq_gap', seq: i + 1 });
    }
  });

  it('names a leaf that holds no record, or says that it is another one', () => {
    const { leaves } = begun();
    const elsewhere = ORIGIN.replace('/1/1', '/2/1');
    expect(readLeaf(elsewhere, 1, leaves[1]!.bytes).content).toBeInstanceOf(RecordError);
    const broken = [...leaves];
    broken[1] = readLeaf(ORIGIN, 1, Buffer.from('{}'));
    broken[2] = readLeaf(ORIGIN, 2, leaves[1]!.bytes);
    const { findings, ok } = judged(broken);
    expect(findings).toEqual([
      expect.objectContaining({ rule: 'unreadable', seq: 1, id: null }),
      expect.objectContaining({ rule: 'unreadable', seq: 2, id: null }),
    ]);
    expect(ok).toBe(false);
  });

  it('finds time that goes back beyond the tolerance, unless the record says what the clock did', () => {
    const log = begun();
    log.nowMs += 10_000;
    release(log, close.id);
    log.nowMs -= 2000;
    release(log, close.id);
    expect(judged(log.leaves).rules).toEqual([]);
    log.nowMs -= 2001;
    const back = release(log, close.id);
    expect(judged(log.leaves).findings).toEqual([expect.objectContaining({ rule: 'time_backwards', ...at(back) })]);
    log.nowMs -= 5000;
    log.append('log.heartbeat', { anchor: null, durability: DURABILITY, v: 1 });
    expect(judged(log.leaves).rules).toEqual(['time_backwards']);
  });

  it('finds a silence of a running writer, and none between two runs', () => {
    const log = begun();
    log.nowMs += 90_000;
    release(log, close.id);
    expect(judged(log.leaves).rules).toEqual([]);
    log.nowMs += 90_001;
    const late = release(log, close.id);
    expect(judged(log.leaves).findings).toEqual([expect.objectContaining({ rule: 'heartbeat_gap', ...at(late) })]);
    const { boot } = log;
    log.nowMs += 3_600_000;
    log.restart();
    bootRecord(log, boot);
    expect(judged(log.leaves).rules).toEqual(['heartbeat_gap']);
  });

  it('finds a run of the writer that nothing announces', () => {
    const log = begun();
    log.restart();
    const first = release(log, close.id);
    release(log, close.id);
    expect(judged(log.leaves).findings).toEqual([expect.objectContaining({ rule: 'boot_unannounced', ...at(first) })]);
  });

  it('finds records after the one that closed the shard', () => {
    const log = begun();
    log.append('log.shard_closed', { cause: 'period', next: null, v: 1 });
    expect(judged(log.leaves).rules).toEqual([]);
    release(log, close.id);
    expect(judged(log.leaves).rules).toEqual(['after_close']);
  });

  it('says that it does not judge what it does not know, and goes on', () => {
    const log = begun();
    const known = log.record('sidecar.stopped', { cause: 'SIGTERM', v: 1 });
    log.appendBytes(Buffer.from(JSON.stringify({ ...known, type: 'zz.later' })));
    const later = log.record('sidecar.stopped', { cause: 'SIGTERM', v: 1 });
    log.appendBytes(Buffer.from(JSON.stringify({ ...later, body: { v: 2 } })));
    release(log, close.id);
    expect(judged(log.leaves)).toMatchObject({ rules: ['not_judged', 'not_judged'], ok: true });
  });

  it('tells of a right that was taken away before its record, without holding it against the log', () => {
    const log = begun();
    const leaf = suspend(log, close, { effectiveAt: new Date(START_MS).toISOString(), late: true });
    expect(judged(log.leaves)).toMatchObject({ findings: [{ rule: 'late', ...at(leaf) }], ok: true });
  });
});

describe('intents and what became of them', () => {
  it('finds an intent without an outcome, at the intent', () => {
    const log = begun();
    const [intent] = mint(log, close.id);
    log.leaves.length = intent!.index + 1;
    log.nowMs += 60_001;
    bootRecord(log);
    expect(judged(log.leaves)).toMatchObject({ findings: [{ rule: 'intent_open', ...at(intent!) }], openIntents: 1 });
  });

  it('holds an intent that may still be answered against nobody', () => {
    const log = begun();
    const [intent] = mint(log, close.id);
    log.leaves.length = intent!.index + 1;
    expect(judged(log.leaves)).toMatchObject({ ok: true, openIntents: 1 });
    log.nowMs += 59_960;
    bootRecord(log);
    expect(judged(log.leaves)).toMatchObject({ ok: true, openIntents: 1 });
    log.nowMs += 1000;
    log.append('log.shard_closed', { cause: 'period', next: null, v: 1 });
    expect(judged(log.leaves)).toMatchObject({ ok: true, openIntents: 1 });
  });

  it.each(['unknown', 'unreachable'] as const)('keeps an intent open whose outcome is %s', (status) => {
    const log = begun();
    const [intent] = mint(log, close.id);
    log.leaves.length = intent!.index + 1;
    const corr = at(intent!).id;
    const outcome = { error: 'timeout', handles: null, notAfter: null, provider: 'vault-eu', v: 1 };
    log.append('credential.outcome', { ...outcome, status }, { corr, outcome: 'unknown' });
    log.nowMs += 60_001;
    bootRecord(log);
    expect(judged(log.leaves).findings).toEqual([
      expect.objectContaining({ rule: 'intent_unresolved', ...at(intent!) }),
    ]);
    log.append('credential.outcome', { ...outcome, status: 'not_found' }, { corr });
    expect(judged(log.leaves)).toMatchObject({ ok: true, openIntents: 0 });
  });

  it('takes a request that never left for an answer', () => {
    const log = begun();
    const [intent] = mint(log, close.id);
    log.leaves.length = intent!.index + 1;
    const outcome = { error: 'upstream_unavailable', handles: null, notAfter: null, provider: 'vault-eu', v: 1 };
    log.append('credential.outcome', { ...outcome, status: 'not_made' }, { corr: at(intent!).id, outcome: 'failed' });
    expect(judged(log.leaves)).toMatchObject({ ok: true, openIntents: 0 });
  });

  it('takes the end of what an earlier log has made for an answer, and for nothing that was made', () => {
    const log = begun();
    const ended = (status: 'revoked' | 'unreachable', corr: string): void => {
      log.append(
        'credential.outcome',
        { error: null, handles: null, notAfter: null, provider: 'vault-eu', status, v: 1 },
        { corr, reason: 'ended', outcome: status === 'revoked' ? 'success' : 'failed' },
      );
    };
    ended('revoked', log.ulid());
    ended('unreachable', log.ulid());
    expect(judged(log.leaves).findings).toEqual([]);
  });

  it('finds an outcome and a release of an upstream that have no intent before them', () => {
    const log = begun();
    const corr = log.ulid();
    log.append(
      'credential.outcome',
      { error: null, handles: null, notAfter: null, provider: 'vault-eu', status: 'minted', v: 1 },
      { corr },
    );
    log.append('credential.released', asked({ provider: 'vault-eu' }), { actor: close.id });
    log.append('credential.released', asked({ provider: 'vault-eu', source: 'cache' }), { actor: close.id });
    log.append('credential.released', asked({ provider: 'issuer' }), { actor: close.id });
    expect(judged(log.leaves).findings.map(({ rule, seq }) => [rule, seq])).toEqual([
      ['without_intent', 3],
      ['without_intent', 4],
    ]);
  });

  it('says that it lost track where more intents are open than it holds, and holds no more', () => {
    const log = begun();
    for (let i = 0; i < 5; i++) mint(log, close.id);
    const intents = log.leaves.filter(
      ({ content }) => (content as { record: AuditRecord }).record.type === 'credential.intent',
    );
    const first = intents.map((leaf, i) => ({ ...leaf, index: i }));
    const { rules, openIntents } = judged([...first], { maxOpenIntents: 3 });
    expect(rules).toContain('overflow');
    expect(openIntents).toBe(3);
  });
});

describe('releases and the registry in force', () => {
  it('finds a release to an identity that is not in the registry', () => {
    const log = begun();
    const leaf = release(log, 'spiffe://acme.example/payments/nobody');
    expect(judged(log.leaves).findings).toEqual([
      expect.objectContaining({ rule: 'identity_unregistered', ...at(leaf) }),
    ]);
  });

  it('finds a release to an identity that was retired', () => {
    const log = begun();
    log.identities.delete(close.id);
    log.append('identity.retired', { change: null, identity: close.id, object: close, v: 1 });
    release(log, close.id);
    expect(judged(log.leaves).rules).toEqual(['identity_unregistered']);
  });

  it('finds a release that names other rights than those in force', () => {
    const log = begun();
    const root = digestOf('another registry');
    const leaf = release(log, close.id, { registry: { entry: null, root } });
    expect(judged(log.leaves).findings).toEqual([expect.objectContaining({ rule: 'registry_mismatch', ...at(leaf) })]);
    const other = begun();
    const { registry } = other.record('sidecar.stopped', { cause: 'x', v: 1 });
    release(other, close.id, { registry: { ...registry!, entry: digestOf('another object') } });
    expect(judged(other.leaves).rules).toEqual(['registry_mismatch']);
  });

  it('accepts what was asked under the registry before for a moment after a change, and no longer', () => {
    const log = begun();
    const before = (release(log, close.id).content as { record: AuditRecord }).record.registry;
    register(log, identity('report'));
    log.nowMs += 9_999;
    release(log, close.id, { registry: before });
    release(log, close.id);
    expect(judged(log.leaves).rules).toEqual([]);
    log.nowMs += 1000;
    release(log, close.id, { registry: before });
    expect(judged(log.leaves).rules).toEqual(['registry_mismatch']);
  });

  it('finds a release to a suspended identity, until it is resumed', () => {
    const log = begun();
    suspend(log, close);
    release(log, close.id);
    log.append('identity.resumed', {
      change: null,
      identity: close.id,
      object: close,
      operator: { loginUid: null, reason: 'x', tty: null, uid: 0 },
      v: 1,
    });
    release(log, close.id);
    expect(judged(log.leaves).rules).toEqual(['released_suspended']);
  });

  it('finds a release after the last day of an identity, which ends at 24:00 UTC', () => {
    const log = new LogWriter(ORIGIN, Date.parse('2026-11-22T23:59:00Z'));
    begin(log);
    register(log, identity('close', { expires: '2026-11-22' }));
    log.nowMs += 59_999;
    release(log, close.id);
    expect(judged(log.leaves).rules).toEqual([]);
    log.nowMs += 1;
    release(log, close.id);
    expect(judged(log.leaves).rules).toEqual(['released_expired']);
  });

  it('judges no registry of which it has not seen the beginning', () => {
    const log = begun();
    release(log, 'spiffe://acme.example/payments/nobody');
    expect(judged(log.leaves.slice(3)).rules).toEqual([]);
  });
});

describe('where a log comes from', () => {
  const SECOND = ORIGIN.replace(/1$/, '2');
  const head = { origin: ORIGIN, root: Buffer.alloc(32, 1).toString('base64'), size: 12 };

  function shard(counts: { identities: number; intents: number; leases: number }, previous = head): LogWriter {
    const log = new LogWriter(SECOND);
    log.identities.set(close.id, close);
    log.append('log.shard_opened', {
      cause: 'period',
      ...counts,
      previous: { checkpoint: null, ...previous },
      v: 1,
      vkey: VKEY,
    });
    return log;
  }

  it('accepts a shard that names the last head of the one before and lists what it carries over', () => {
    const log = shard({ identities: 1, intents: 0, leases: 0 });
    log.append('identity.listed', { identity: close.id, object: close, suspended: false, v: 1 });
    release(log, close.id);
    expect(judged(log.leaves, { previous: head }).rules).toEqual([]);
  });

  it('lets another run complete what a shard begins with, before it says that it has begun', () => {
    const log = shard({ identities: 1, intents: 0, leases: 1 });
    log.restart();
    log.append('identity.listed', { identity: close.id, object: close, suspended: false, v: 1 });
    log.append('log.carried', { intents: [], leases: ['ls_01KAMZ3CT00000000000000001'], v: 1 });
    bootRecord(log, null);
    expect(judged(log.leaves).rules).toEqual([]);
  });

  it('keeps a suspension over the end of a shard', () => {
    const log = shard({ identities: 1, intents: 0, leases: 0 });
    log.append('identity.listed', { identity: close.id, object: close, suspended: true, v: 1 });
    release(log, close.id);
    expect(judged(log.leaves).rules).toEqual(['released_suspended']);
  });

  it.each([
    ['fewer identities', { identities: 2, intents: 0, leases: 1 }],
    ['more identities', { identities: 0, intents: 0, leases: 1 }],
    ['fewer leases', { identities: 1, intents: 0, leases: 2 }],
    ['fewer intents', { identities: 1, intents: 1, leases: 1 }],
  ])('finds a shard that lists %s than it says', (_, counts) => {
    const log = shard(counts);
    log.append('identity.listed', { identity: close.id, object: close, suspended: false, v: 1 });
    log.append('log.carried', { intents: [], leases: [log.lease()], v: 1 });
    release(log, close.id);
    release(log, close.id);
    expect(judged(log.leaves).rules).toEqual(['carried_over']);
  });

  it('judges no release by a registry of which it has seen a part', () => {
    const log = shard({ identities: 2, intents: 0, leases: 0 });
    const report = identity('report');
    log.identities.set(report.id, report);
    log.append('identity.listed', { identity: close.id, object: close, suspended: false, v: 1 });
    release(log, report.id);
    expect(judged(log.leaves).rules).toEqual(['carried_over']);
  });

  it('answers intents that a shard carried over', () => {
    const log = shard({ identities: 0, intents: 1, leases: 0 });
    log.identities.clear();
    const id = log.ulid();
    const time = new Date(log.nowMs - 120_000).toISOString();
    log.append('log.carried', { intents: [{ id, lease: log.lease(), origin: ORIGIN, time }], leases: [], v: 1 });
    expect(judged(log.leaves).findings).toEqual([expect.objectContaining({ rule: 'intent_open', id })]);
    log.append(
      'credential.outcome',
      { error: null, handles: null, notAfter: null, provider: 'vault-eu', status: 'not_found', v: 1 },
      { corr: id },
    );
    expect(judged(log.leaves).rules).toEqual([]);
  });

  it.each([
    ['another size', { ...head, size: 13 }],
    ['another root', { ...head, root: Buffer.alloc(32, 2).toString('base64') }],
  ])('finds a shard that names a head of %s than a verifier has derived', (_, previous) => {
    const { leaves } = shard({ identities: 0, intents: 0, leases: 0 }, previous);
    expect(judged(leaves, { previous: head }).rules).toEqual(['head_lineage']);
    expect(judged(leaves).rules).toEqual([]);
  });

  it.each([
    ['itself', ORIGIN.replace(/1$/, '2')],
    ['another incarnation', ORIGIN.replace('/1/1', '/2/1')],
    ['another sidecar', ORIGIN.replace('SC/', 'SD/')],
    ['another trust domain', ORIGIN.replace('acme', 'evil')],
  ])('finds a shard that names a head of %s', (_, origin) => {
    const { leaves } = shard({ identities: 0, intents: 0, leases: 0 }, { ...head, origin });
    expect(judged(leaves).rules).toEqual(['head_lineage']);
  });

  it('finds a log that begins with anything else', () => {
    const log = new LogWriter();
    bootRecord(log);
    expect(judged(log.leaves).rules).toEqual(['head_lineage']);
    const later = new LogWriter(SECOND);
    begin(later);
    expect(judged(later.leaves).rules).toEqual(['head_lineage']);
  });

  it.each([
    ['the first incarnation with a head before it', ORIGIN, head],
    ['a later incarnation without one', ORIGIN.replace('/1/1', '/2/1'), null],
    [
      'a later incarnation with one of its own',
      ORIGIN.replace('/1/1', '/2/1'),
      { ...head, origin: ORIGIN.replace('/1/1', '/2/2') },
    ],
  ])('finds %s', (_, origin, previous) => {
    const log = new LogWriter(origin);
    const { cause, ...rest } = {
      cause: 'tail_lost' as const,
      durability: DURABILITY,
      fingerprints: null,
      fiscalYearStart: null,
      operator: null,
      v: 1,
      version: '0.2.0',
      vkey: VKEY,
      zone: 'UTC',
    };
    log.append('log.genesis', { cause, ...rest, previous: previous && { checkpoint: null, ...previous } });
    expect(judged(log.leaves).rules).toEqual(['head_lineage']);
  });
});
