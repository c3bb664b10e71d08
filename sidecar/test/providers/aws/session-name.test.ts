import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sessionNameOf, sourceIdentityOf } from '../../../src/providers/aws/session-name.ts';
import { sessionTagsOf, tagValue } from '../../../src/providers/aws/session-tags.ts';
import { identity } from '../../acme.ts';
import { requireWithin, STS_LIMITS } from './sts-limits.ts';

const LEASE = 'ls_01KAQ5TV9Z8G4W2J6R7N3M5P0X';
const characters = (set: string, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...set.split('')), minLength: 1, maxLength });
const segment = characters('abcXYZ019._-', 60).filter((text) => !/^\.+$/.test(text));
const spiffeId = fc
  .tuple(characters('abcxyz019._-', 80), fc.array(segment, { minLength: 1, maxLength: 8 }))
  .map(([trustDomain, path]) => `spiffe://${trustDomain}/${path.join('/')}`);

test('a source identity reads as the workload and its trust domain', () => {
  expect(sourceIdentityOf('spiffe://acme.example/payments/close-batch')).toBe('payments+close-batch@acme.example');
});

test('a SPIFFE ID that is too long for a source identity keeps its beginning, and gets a digest', () => {
  const long = sourceIdentityOf(`spiffe://acme.example/${'payments/'.repeat(8)}close-batch`);
  expect(long).toMatch(/^payments\+payments\+payments\+payments\+payme=[\w-]{22}$/);
  expect(long).toHaveLength(64);
});

test('every SPIFFE ID gives a source identity that AWS takes', () => {
  fc.assert(
    fc.property(spiffeId, (id) => requireWithin('SourceIdentity', sourceIdentityOf(id), STS_LIMITS.SourceIdentity)),
  );
});

test('two SPIFFE IDs never give the same source identity', () => {
  // From few characters, so that they are near to each other.
  const near = fc
    .tuple(characters('a.-', 3), fc.array(characters('a.-_', 30), { minLength: 1, maxLength: 4 }))
    .map(([trustDomain, path]) => `spiffe://${trustDomain}/${path.join('/')}`);
  fc.assert(
    fc.property(near, near, (one, other) => {
      expect(sourceIdentityOf(one) === sourceIdentityOf(other)).toBe(one === other);
    }),
    { numRuns: 2000 },
  );
});

test('a session is named by its lease and the end of the path', () => {
  expect(sessionNameOf(LEASE, 'spiffe://acme.example/payments/close-batch')).toBe(`${LEASE}@payments+close-batch`);
  expect(sessionNameOf(LEASE, `spiffe://acme.example/${'x'.repeat(40)}/close-batch`)).toBe(
    `${LEASE}@${'x'.repeat(22)}+close-batch`,
  );
});

test('every SPIFFE ID gives a session name that AWS takes, with the whole lease id', () => {
  fc.assert(
    fc.property(spiffeId, (id) => {
      const name = sessionNameOf(LEASE, id);
      requireWithin('RoleSessionName', name, STS_LIMITS.RoleSessionName);
      expect(name.startsWith(`${LEASE}@`)).toBe(true);
    }),
  );
});

test('tags say whose the session is, who answers for it, for which process and run, and under which lease', () => {
  const process = { id: 'BP-1042', run: '2026-11' };
  expect(sessionTagsOf({ leaseId: LEASE, identity: identity('payments/close-batch'), process })).toEqual([
    { key: 'tallystick-identity', value: 'spiffe://acme.example/payments/close-batch' },
    { key: 'tallystick-owner', value: 'team-payments' },
    { key: 'tallystick-environment', value: 'production' },
    { key: 'tallystick-lease', value: LEASE },
    { key: 'tallystick-process', value: 'BP-1042' },
    { key: 'tallystick-run', value: '2026-11' },
  ]);
});

test('a session that is not attributed to a process has no tag of one', () => {
  const tags = sessionTagsOf({ leaseId: LEASE, identity: identity('payments'), process: undefined });
  expect(tags.map(({ key }) => key)).not.toContain('tallystick-process');
  expect(tags.map(({ key }) => key)).not.toContain('tallystick-run');
});

test('every text gives a value of a tag that AWS takes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) =>
      requireWithin('tag', tagValue(text), STS_LIMITS.Value),
    ),
  );
});

test('what AWS takes stays as it is, and what it does not take stays distinct', () => {
  fc.assert(
    fc.property(characters('aZ9 _.:/=+-@', 256), (text) => {
      expect(tagValue(text)).toBe(text);
    }),
  );
  expect(tagValue('close #1')).toMatch(/^close _1=[\w-]{22}$/);
  expect(tagValue('close #1')).not.toBe(tagValue('close !1'));
});
