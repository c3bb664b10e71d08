import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMatch } from '../../src/attest/match.ts';
import { createMayMatch } from '../../src/attest/may-match.ts';
import { socketSelectors } from '../../src/attest/socket.ts';
import { unixSelectors } from '../../src/attest/unix.ts';
import { configOf, identity, peer } from '../acme.ts';
import { serveSidecar } from '../api/served-sidecar.ts';

const mayMatch = (...match: string[][]) => createMayMatch([identity('one', { match })]);
const PEER = { socket: 'app', uid: 1001, gid: 7, executable: '/usr/bin/node' };

test.each([
  [['unix:uid:1001'], true],
  [['unix:uid:1002'], false],
  [['unix:uid:1001', 'unix:gid:8'], false],
  [['unix:uid:1001', 'tallystick:socket:app', 'unix:path:/usr/bin/node'], true],
  [['tallystick:socket:other'], false],
  [['unix:path:/usr/bin/java'], false],
  // What another attestor will say is not known yet.
  [['k8s:sa:billing'], true],
  [['k8s:sa:billing', 'unix:uid:1002'], false],
])('%j may match the user 1001: %s', (selectors, may) => {
  expect(mayMatch(selectors)(PEER)).toBe(may);
  expect(mayMatch(['unix:uid:5'], selectors)(PEER)).toBe(may);
});

test('without an identity everybody is a stranger', () => {
  expect(createMayMatch([])(PEER)).toBe(false);
});

test('no peer that an identity matches is a stranger', () => {
  const selector = fc.constantFrom(
    'unix:uid:1',
    'unix:uid:2',
    'unix:gid:1',
    'unix:path:/a',
    'tallystick:socket:a',
    'tallystick:socket:b',
  );
  const peer = fc.record({
    socket: fc.constantFrom('a', 'b'),
    uid: fc.integer({ min: 1, max: 3 }),
    gid: fc.integer({ min: 1, max: 2 }),
    executable: fc.constantFrom('/a', undefined),
  });
  fc.assert(
    fc.property(fc.array(fc.array(selector, { minLength: 1, maxLength: 3 }), { maxLength: 3 }), peer, (match, who) => {
      const identities = [identity('one', { match })];
      const matched = createMatch(identities)({ selectors: [...unixSelectors(who), ...socketSelectors(who)] });
      expect(createMayMatch(identities)(who)).toBe(matched.length > 0);
    }),
  );
});

test('a new configuration decides anew who is a stranger', async () => {
  const { sidecar } = await serveSidecar({ config: configOf([identity('one')]) });
  expect([1001, 1002].map((uid) => sidecar.mayMatch(peer({ uid })))).toEqual([true, false]);
  await sidecar.apply(configOf([identity('one', { match: [['unix:uid:1002']] })]));
  expect([1001, 1002].map((uid) => sidecar.mayMatch(peer({ uid })))).toEqual([false, true]);
});
