import { describe, expect, it } from 'vitest';
import { inventoryAt, readLeaf, type AuditRecord, type Leaf } from '../../src/index.ts';
import { LogWriter, ORIGIN } from './log-writer.ts';
import { begin, identity, plausibleLog, register, suspend, OPERATOR } from './plausible-log.ts';

const close = identity('close');
const idOf = (leaf: Leaf): string => (leaf.content as { record: AuditRecord }).record.id;

function begun(): { log: LogWriter; registered: Leaf } {
  const log = new LogWriter();
  begin(log);
  log.nowMs += 1000;
  return { log, registered: register(log, close) };
}

describe('the inventory at an instant', () => {
  it('has each identity with owner, state and entitlements, and the record that says so', () => {
    const { log, registered } = begun();
    const { identities, upTo } = inventoryAt(log.leaves, log.nowMs);
    expect(identities).toEqual([
      {
        id: close.id,
        owner: close.owner,
        state: 'active',
        entitlements: close.entitlements,
        object: close,
        says: {
          object: expect.objectContaining({ id: idOf(registered), seq: registered.index, origin: ORIGIN }),
          state: null,
        },
      },
    ]);
    expect(upTo?.id).toBe(idOf(registered));
    expect(inventoryAt(log.leaves, log.nowMs - 1).identities).toEqual([]);
  });

  it('is the same in two runs, and at any instant what the log said up to it', () => {
    const { leaves } = plausibleLog();
    const times = leaves.map(({ content }) => Date.parse((content as { record: AuditRecord }).record.time));
    for (const [i, ms] of times.entries()) {
      if (times[i + 1] === ms) continue;
      const whole = inventoryAt(leaves, ms);
      expect(whole).toEqual(inventoryAt(leaves.slice(0, i + 1), ms));
      expect(JSON.stringify(whole)).toBe(JSON.stringify(inventoryAt(leaves, ms)));
    }
    expect(inventoryAt(leaves, times.at(-1)!).identities.map(({ owner }) => owner.id)).toEqual([
      'team-close',
      'team-controlling',
    ]);
  });

  it('says since which record an identity is suspended, and by which it no longer is', () => {
    const { log, registered } = begun();
    log.nowMs += 1000;
    const suspended = suspend(log, close);
    const during = log.nowMs;
    log.nowMs += 1000;
    const resumed = log.append('identity.resumed', {
      change: null,
      identity: close.id,
      object: close,
      operator: OPERATOR,
      v: 1,
    });
    const [at] = inventoryAt(log.leaves, during).identities;
    expect(at).toMatchObject({
      state: 'suspended',
      says: { object: { id: idOf(registered) }, state: { id: idOf(suspended) } },
    });
    const [after] = inventoryAt(log.leaves, log.nowMs).identities;
    expect(after).toMatchObject({
      state: 'active',
      says: { object: { id: idOf(registered) }, state: { id: idOf(resumed) } },
    });
  });

  it('counts a suspension that was recorded late from when it took hold', () => {
    const { log } = begun();
    const effective = log.nowMs + 1000;
    log.nowMs += 60_000;
    suspend(log, close, { effectiveAt: new Date(effective).toISOString(), late: true });
    expect(inventoryAt(log.leaves, effective).identities[0]?.state).toBe('suspended');
    expect(inventoryAt(log.leaves, effective - 1).identities[0]?.state).toBe('active');
  });

  it('ends an identity at 24:00 UTC of its last day', () => {
    const { log } = begun();
    const end = Date.parse('2027-07-01T00:00:00Z');
    expect(inventoryAt(log.leaves, end - 1).identities[0]?.state).toBe('active');
    expect(inventoryAt(log.leaves, end).identities[0]?.state).toBe('expired');
  });

  it('begins with what a later shard lists, suspensions too', () => {
    const log = new LogWriter(ORIGIN.replace(/1$/, '2'));
    log.append('identity.listed', { identity: close.id, object: close, suspended: true, v: 1 });
    expect(inventoryAt(log.leaves, log.nowMs).identities).toMatchObject([{ id: close.id, state: 'suspended' }]);
  });

  it('counts leaves that it could not judge', () => {
    const { log } = begun();
    log.leaves.push(readLeaf(ORIGIN, 3, Buffer.from('x')));
    expect(inventoryAt(log.leaves, log.nowMs).notJudged).toBe(1);
  });
});
