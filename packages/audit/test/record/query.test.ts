import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileQuery, EXCLUSIONS, readLeaf, type AuditRecord, type RecordQuery } from '../../src/index.ts';
import { LogWriter, ORIGIN, START_MS } from './log-writer.ts';
import { begin, identity, plausibleLog, register } from './plausible-log.ts';

const { leaves } = plausibleLog();
const records = leaves.map(({ content }) => (content as { record: AuditRecord }).record);
const selected = (query: RecordQuery): AuditRecord[] =>
  records.filter((_, i) => compileQuery(query)(leaves[i]!) === null);
const instant = (ms: number): string => new Date(ms).toISOString();

/** A value of each filter, most of which the log knows. */
const query: fc.Arbitrary<RecordQuery> = fc.record(
  {
    identity: fc.constantFrom(...new Set(records.map(({ actor }) => actor))),
    owner: fc.constantFrom('team-close', 'team-report', 'team-controlling', 'team-nobody'),
    process: fc.constantFrom('BP-1042', 'BP-0'),
    run: fc.constantFrom('run-1', 'run-2', 'run-3'),
    lease: fc.constantFrom(...records.flatMap(({ lease }) => lease ?? [])),
    outcome: fc.constantFrom('success', 'denied', 'failed', 'unknown'),
    type: fc.constantFrom('credential.*', 'identity.*', 'credential.released', 'log.heartbeat', 'credential'),
    from: fc.nat(7_200_000).map((ms) => instant(START_MS + ms)),
    to: fc.nat(7_200_000).map((ms) => instant(START_MS + ms)),
  },
  { requiredKeys: [] },
);

describe('a query over records', () => {
  it('selects each leaf or names the one reason why not, so that both add up to the whole', () => {
    fc.assert(
      fc.property(query, (each) => {
        const select = compileQuery(each);
        const reasons = new Set([null, ...EXCLUSIONS]);
        expect(leaves.filter((leaf) => !reasons.has(select(leaf)))).toEqual([]);
      }),
    );
  });

  it('selects what every one of its parts selects, and nothing else', () => {
    fc.assert(
      fc.property(query, (each) => {
        const parts = Object.entries(each).map(([name, value]) => compileQuery({ [name]: value }));
        const select = compileQuery(each);
        const byParts = leaves.filter((leaf) => parts.every((part) => part(leaf) === null));
        expect(leaves.filter((leaf) => select(leaf) === null).map(({ index }) => index)).toEqual(
          byParts.map(({ index }) => index),
        );
      }),
    );
  });

  it('cuts time into periods that do not overlap and leave nothing between', () => {
    fc.assert(
      fc.property(fc.nat(7_300_000), (ms) => {
        const cut = instant(START_MS + ms);
        const [before, after] = [compileQuery({ to: cut }), compileQuery({ from: cut })];
        expect(leaves.filter((leaf) => (before(leaf) === null) === (after(leaf) === null))).toEqual([]);
      }),
    );
  });

  it('begins a period with its first instant and ends it before its last', () => {
    const { time, id } = records.find(({ type }) => type === 'credential.denied')!;
    const next = instant(Date.parse(time) + 1);
    const ids = (query: RecordQuery) => selected(query).map((record) => record.id);
    expect(ids({ from: time, to: next })).toContain(id);
    expect(ids({ to: time })).not.toContain(id);
    expect(ids({ from: next })).not.toContain(id);
  });

  it('takes a family of types by its whole first word', () => {
    const types = (type: string) => new Set(selected({ type }).map((record) => record.type));
    expect([...types('log.*')].every((type) => type.startsWith('log.'))).toBe(true);
    expect(types('lo.*').size + types('credential').size + types('*').size).toBe(0);
    const log = new LogWriter();
    const record = log.record('sidecar.stopped', { cause: 'x', v: 1 });
    const leaf = log.appendBytes(Buffer.from(JSON.stringify({ ...record, type: 'sidecars.merged' })));
    expect(compileQuery({ type: 'sidecar.*' })(leaf)).toBe('type');
  });

  it('selects everything when it asks for nothing, but leaves without a record', () => {
    expect(selected({})).toHaveLength(leaves.length);
    expect(compileQuery({})(readLeaf(ORIGIN, 0, Buffer.from('x')))).toBe('unreadable');
  });

  it('finds an identity by what it did and by what was done to it', () => {
    const types = new Set(selected({ identity: identity('batch').id }).map(({ type }) => type));
    expect([...types]).toEqual(
      expect.arrayContaining(['identity.registered', 'credential.denied', 'identity.suspended', 'credential.revoked']),
    );
    expect(types).not.toContain('credential.released');
  });

  it('finds a lease in the record of its release, in the revocation of many, and in reports of its use', () => {
    const revoked = records.find(({ type }) => type === 'credential.revoked') as AuditRecord<'credential.revoked'>;
    expect(selected({ lease: revoked.body.leases[1]! })).toEqual([revoked]);
    const usage = records.find(({ type }) => type === 'usage.reported') as AuditRecord<'usage.reported'>;
    expect(selected({ lease: usage.body.uses[0]!.lease })).toEqual([usage]);
    expect(selected({ run: 'run-1' })).toContainEqual(usage);
  });

  it('finds a change of owner under both owners', () => {
    const change = records.find(({ type }) => type === 'identity.owner_changed');
    expect(selected({ owner: 'team-report', type: 'identity.owner_changed' })).toEqual([change]);
    expect(selected({ owner: 'team-controlling', type: 'identity.owner_changed' })).toEqual([change]);
  });

  it('judges the envelope alone of a record of a later release', () => {
    const log = new LogWriter();
    begin(log);
    register(log, identity('close'));
    const record = log.record('identity.retired', {
      change: null,
      identity: identity('close').id,
      object: identity('close'),
      v: 1,
    });
    const leaf = log.appendBytes(Buffer.from(JSON.stringify({ ...record, type: 'identity.zz' })));
    expect(compileQuery({ type: 'identity.*' })(leaf)).toBeNull();
    expect(compileQuery({ identity: identity('close').id })(leaf)).toBe('identity');
  });

  it('refuses a period that is none', () => {
    expect(() => compileQuery({ from: 'yesterday' })).toThrow(RangeError);
  });
});
