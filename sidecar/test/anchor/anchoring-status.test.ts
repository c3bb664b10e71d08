import type { AnchorState } from '@tallystick/audit';
import { expect, test } from 'vitest';
import { anchoringStatus, NOT_ANCHORED, type ReplicaStatus } from '../../src/anchor/anchoring-status.ts';

const facts = { size: 40, witnesses: ['w1'], timeMs: 0, ageMs: 9000 };
const cosigned: AnchorState = { rollback: 'detectable', quorum: 'reached', anchor: facts, cosigned: facts };
const missed: AnchorState = { rollback: 'undetectable', quorum: 'missed', anchor: null, cosigned: facts };
const copied: ReplicaStatus = { acknowledged: true, holdsHead: true, size: 50, ageMs: 2000 };
const empty: ReplicaStatus = { acknowledged: false, holdsHead: false, size: 0, ageMs: null };

test.each([
  ['nobody', undefined, undefined, { rollback: 'undetectable', quorum: 'not_asked', anchor: null, replica: null }],
  ['a quorum', cosigned, undefined, { rollback: 'detectable', quorum: 'reached', anchor: { size: 40, ageMs: 9000 } }],
  ['witnesses below the quorum', missed, undefined, { rollback: 'undetectable', quorum: 'missed', anchor: null }],
  ['a replica', undefined, copied, { rollback: 'detectable', quorum: 'not_asked', anchor: { size: 50, ageMs: 2000 } }],
  ['an empty replica', undefined, empty, { rollback: 'undetectable', anchor: null, replica: empty }],
  ['a replica, but no quorum', missed, copied, { rollback: 'detectable', quorum: 'missed', anchor: { size: 50 } }],
  ['both, the newer of which counts', cosigned, copied, { rollback: 'detectable', anchor: { size: 50, ageMs: 2000 } }],
  [
    'a replica that has a head from before the start, which is older than any other',
    cosigned,
    { ...empty, holdsHead: true },
    { rollback: 'detectable', anchor: { size: 40, ageMs: 9000 } },
  ],
] as const)('a log that is known to %s', (_, witnesses, replica, expected) => {
  expect(anchoringStatus(witnesses, [], replica)).toMatchObject(expected);
});

test('a log that nobody outside knows is what none is asked about', () => {
  expect(anchoringStatus(undefined, [], undefined)).toEqual(NOT_ANCHORED);
});
