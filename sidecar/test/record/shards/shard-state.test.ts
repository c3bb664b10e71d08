import type { AuditRecord } from '@tallystick/audit';
import { describe, expect, test } from 'vitest';
import { ShardState } from '../../../src/record/shards/shard-state.ts';
import { identity } from '../../acme.ts';

const [CLOSE, REPORT] = [identity('close'), identity('report')];
let made = 0;

/** A record as far as the state asks: its type, its body, and what it answers to. */
function record(type: AuditRecord['type'], body: object, corr: string | null = null): AuditRecord {
  made += 1;
  const id = `01KAMZ3CT0${String(made).padStart(16, '0')}`;
  const frame = { origin: 'acme.example/sc-1/1/1', time: '2026-11-22T12:00:00.250Z' };
  return { type, body, corr, id, lease: `ls_${id}`, ...frame } as unknown as AuditRecord;
}

describe('what a shard leaves open', () => {
  test('is every identity that is registered, sorted by id, with whether it is suspended', () => {
    const state = new ShardState();
    state.seed([REPORT], () => true);
    state.note(record('identity.registered', { identity: CLOSE.id, object: CLOSE }));
    expect(state.identities).toEqual([
      { object: CLOSE, suspended: false },
      { object: REPORT, suspended: true },
    ]);
    state.note(record('identity.suspended', { identity: CLOSE.id, object: CLOSE }));
    state.note(record('identity.resumed', { identity: REPORT.id, object: REPORT }));
    expect(state.identities.map(({ suspended }) => suspended)).toEqual([true, false]);
  });

  test('keeps a suspension over a change of the identity, and forgets one that is retired', () => {
    const state = new ShardState();
    state.note(record('identity.listed', { identity: CLOSE.id, object: CLOSE, suspended: true }));
    const changed = { ...CLOSE, purpose: 'another' };
    state.note(record('identity.updated', { identity: CLOSE.id, object: changed }));
    expect(state.identities).toEqual([{ object: changed, suspended: true }]);
    state.note(record('identity.owner_changed', { identity: CLOSE.id, object: CLOSE }));
    expect(state.identities).toEqual([{ object: CLOSE, suspended: true }]);
    state.note(record('identity.retired', { identity: CLOSE.id, object: CLOSE }));
    expect(state.identities).toEqual([]);
  });

  test('is every intent whose outcome is not known', () => {
    const state = new ShardState();
    const intents = Array.from({ length: 4 }, () => record('credential.intent', {}));
    for (const intent of intents) state.note(intent);
    const [minted, unknown, unreachable, released] = intents.map(({ id }) => id);
    state.note(record('credential.outcome', { status: 'minted' }, minted));
    state.note(record('credential.outcome', { status: 'unknown' }, unknown));
    state.note(record('credential.outcome', { status: 'unreachable' }, unreachable));
    state.note(record('credential.released', {}, released));
    expect(state.intents).toEqual(
      intents.slice(1, 3).map(({ id, lease, origin, time }) => ({ id, lease, origin, time })),
    );
  });
});
