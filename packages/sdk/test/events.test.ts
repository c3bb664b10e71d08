import type { SidecarEvent } from '@tallystick/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { consequencesOf, type Consequence } from '../src/events.ts';

const lease = (id: string, settled = true) => ({ id, settled });
const snapshot = (
  epoch: string,
  leases: string[],
  state: 'active' | 'suspended' | 'expired' = 'active',
): SidecarEvent => ({
  type: 'snapshot',
  epoch,
  seq: 0,
  state,
  leases,
});

describe('DESIGN §4.7: what follows from an event', () => {
  test('what is held and not in a snapshot of the same epoch is given up', () => {
    expect(consequencesOf(snapshot('e1', ['a']), { epoch: 'e1', leases: [lease('a'), lease('b')] })).toContainEqual({
      kind: 'revoke',
      leases: ['b'],
    });
  });

  test('what came while the snapshot was on its way is kept', () => {
    const consequences = consequencesOf(snapshot('e1', []), { epoch: 'e1', leases: [lease('new', false)] });
    expect(consequences.map(({ kind }) => kind)).toEqual(['forgive']);
  });

  test('under a new epoch nothing is given up, and everything asked for again', () => {
    const consequences = consequencesOf(snapshot('e2', []), { epoch: 'e1', leases: [lease('a')] });
    expect(consequences.map(({ kind }) => kind)).toEqual(['forgive', 'read-identity', 'ask-again']);
  });

  test('the first snapshot is of the epoch in which all that is held was given', () => {
    expect(consequencesOf(snapshot('e1', []), { epoch: undefined, leases: [lease('a')] })).toContainEqual({
      kind: 'revoke',
      leases: ['a'],
    });
  });

  test.each(['suspended', 'expired'] as const)('a snapshot or an event that says %s ends everything', (state) => {
    const held = { epoch: 'e1', leases: [lease('a')] };
    expect(consequencesOf(snapshot('e2', ['a'], state), held)).toEqual([{ kind: 'revoke-all', state }]);
    expect(consequencesOf({ type: 'state', seq: 1, state }, held)).toEqual([{ kind: 'revoke-all', state }]);
  });

  test('revoked, rotate, changed, active, and what a newer sidecar may say', () => {
    const held = { epoch: 'e1', leases: [lease('a')] };
    expect(consequencesOf({ type: 'revoked', seq: 1, leases: ['a'] }, held)).toEqual([
      { kind: 'revoke', leases: ['a'] },
    ]);
    expect(consequencesOf({ type: 'rotate', seq: 1, leases: ['a'] }, held)).toEqual([
      { kind: 'replace', leases: ['a'] },
    ]);
    expect(consequencesOf({ type: 'changed', seq: 1 }, held).map(({ kind }) => kind)).toEqual([
      'forgive',
      'read-identity',
    ]);
    expect(consequencesOf({ type: 'state', seq: 1, state: 'active' }, held)).toEqual([{ kind: 'forgive' }]);
    expect(consequencesOf({ type: 'unknown', seq: 1 }, held)).toEqual([{ kind: 'ask-again' }]);
  });

  test('no event gives anything: each consequence takes away or asks the sidecar', () => {
    const state = fc.constantFrom('active', 'suspended', 'expired');
    const leases = fc.array(fc.constantFrom('a', 'b', 'c'));
    const event = fc.oneof(
      fc.record({ type: fc.constant('snapshot'), epoch: fc.constantFrom('e1', 'e2'), seq: fc.nat(), state, leases }),
      fc.record({ type: fc.constantFrom('revoked', 'rotate'), seq: fc.nat(), leases }),
      fc.record({ type: fc.constant('state'), seq: fc.nat(), state }),
      fc.record({ type: fc.constantFrom('changed', 'unknown'), seq: fc.nat() }),
    ) as fc.Arbitrary<SidecarEvent>;
    const kinds: Consequence['kind'][] = ['revoke', 'revoke-all', 'replace', 'ask-again', 'read-identity', 'forgive'];
    fc.assert(
      fc.property(event, (given) => {
        for (const consequence of consequencesOf(given, { epoch: 'e1', leases: [lease('a'), lease('d')] })) {
          expect(kinds).toContain(consequence.kind);
        }
      }),
    );
  });
});
