import { describe, expect, test } from 'vitest';
import { requireTrustedSocket, type EntryFacts } from '../src/index.ts';

const SELF = 1000;
const SIDECAR = 990;
const ATTACKER = 666;

const folder = (path: string, uid: number, mode: number, readOnly = false): EntryFacts => ({
  path,
  kind: 'folder',
  uid,
  mode,
  readOnly,
});
const socket = (path: string, uid: number): EntryFacts => ({ path, kind: 'socket', uid, mode: 0o666, readOnly: false });

function faultOf(path: string, entries: readonly EntryFacts[]): unknown {
  const found = new Map([folder('/', 0, 0o755), ...entries].map((entry) => [entry.path, entry]));
  try {
    requireTrustedSocket(path, SELF, (asked) => found.get(asked)!);
    return undefined;
  } catch (error) {
    return error;
  }
}
/** The last of `folders` has a socket of this owner. */
function faultIn(folders: readonly EntryFacts[], owner: number): unknown {
  const path = `${folders.at(-1)!.path}/api.sock`;
  return faultOf(path, [...folders, socket(path, owner)]);
}
function expectFault(error: unknown, why: RegExp | undefined): void {
  if (why === undefined) expect(error).toBeUndefined();
  else expect(error).toMatchObject({ code: 'socket_untrusted', message: expect.stringMatching(why) as string });
}

describe('whose socket is trusted', () => {
  test.each([
    [
      'of a sidecar with a user of its own, in its own folder',
      [folder('/run', 0, 0o755), folder('/run/ts', SIDECAR, 0o755)],
      SIDECAR,
    ],
    ['of root', [folder('/run', 0, 0o755), folder('/run/ts', 0, 0o755)], 0],
    ['of our own, in a folder of our own below /tmp', [folder('/tmp', 0, 0o1777), folder('/tmp/x', SELF, 0o700)], SELF],
    ['of our own, right in /tmp', [folder('/tmp', 0, 0o1777)], SELF],
    [
      'of a sidecar, in a volume writable by all that is mounted read-only here',
      [folder('/vol', 0, 0o777, true), folder('/vol/app', SIDECAR, 0o755)],
      SIDECAR,
    ],
    [
      'of a sidecar, below a folder that a group may add to but not take from',
      [folder('/vol', 0, 0o1775), folder('/vol/app', 0, 0o755)],
      0,
    ],
    ['of a sidecar, in its own sticky folder', [folder('/vol', 0, 0o755), folder('/vol/a', SIDECAR, 0o1775)], SIDECAR],
  ])('%s: yes', (_, folders, owner) => {
    expectFault(faultIn(folders, owner), undefined);
  });

  test.each([
    [
      'of another user, in a folder of root',
      [folder('/run', 0, 0o755), folder('/run/ts', 0, 0o755)],
      ATTACKER,
      /belongs to uid 666/,
    ],
    ['of another user, right in /tmp', [folder('/tmp', 0, 0o1777)], ATTACKER, /everybody can write to \/tmp/],
    [
      'of another user, in his folder below /tmp',
      [folder('/tmp', 0, 0o1777), folder('/tmp/ts', ATTACKER, 0o755)],
      ATTACKER,
      /belongs to uid 666/,
    ],
    [
      'of root, in a folder that everybody can write to',
      [folder('/run', 0, 0o755), folder('/run/ts', 0, 0o777)],
      0,
      /everybody can write to \/run\/ts/,
    ],
    [
      'in a folder that its group can write to',
      [folder('/run', 0, 0o755), folder('/run/ts', SELF, 0o775)],
      SELF,
      /the group of \/run\/ts/,
    ],
    [
      'below a folder that everybody can write to',
      [folder('/vol', 0, 0o777), folder('/vol/ts', SIDECAR, 0o755)],
      SIDECAR,
      /everybody can write to \/vol/,
    ],
    [
      'below a folder of root that its group can write to',
      [folder('/vol', 0, 0o775), folder('/vol/ts', SIDECAR, 0o755)],
      SIDECAR,
      /the group of \/vol can write to it/,
    ],
    [
      'of another user, below a folder that a group may add to',
      [folder('/vol', 0, 0o1775), folder('/vol/ts', ATTACKER, 0o755)],
      ATTACKER,
      /the group of \/vol can write to it, and \/vol\/ts belongs to uid 666/,
    ],
  ])('%s: no', (_, folders, owner, why) => {
    expectFault(faultIn(folders, owner), why);
  });

  test.each([
    ['of another user, whatever it leads to', ATTACKER, /the link \/opt\/link belongs to uid 666/],
    ['of root', 0, undefined],
  ])('through a link %s', (_, uid, why) => {
    const link: EntryFacts = { path: '/opt/link', kind: 'link', uid, mode: 0o777, readOnly: false, target: '/run/ts' };
    const entries = [folder('/opt', 0, 0o755), link, folder('/run', 0, 0o755), folder('/run/ts', 0, 0o755)];
    expectFault(faultOf('/opt/link/api.sock', [...entries, socket('/run/ts/api.sock', 0)]), why);
  });

  test('what lies on the way of a link is judged too', () => {
    const link: EntryFacts = { path: '/opt', kind: 'link', uid: 0, mode: 0o777, readOnly: false, target: 'vol/ts' };
    const entries = [link, folder('/vol', 0, 0o775), folder('/vol/ts', 0, 0o755), socket('/vol/ts/api.sock', 0)];
    expectFault(faultOf('/opt/api.sock', entries), /the group of \/vol can write to it/);
  });

  test('a step up is one from where a link led, as the kernel takes it', () => {
    const link: EntryFacts = { path: '/opt', kind: 'link', uid: 0, mode: 0o777, readOnly: false, target: '/a/b/./c/' };
    const way = [link, folder('/a', 0, 0o755), folder('/a/b', 0, 0o775), folder('/a/b/c', 0, 0o755)];
    expectFault(faultOf('/opt/../x', [...way, socket('/a/b/x', 0)]), /the group of \/a\/b can write to it/);
    expectFault(faultOf('//run/../../run/./x', [folder('/run', 0, 0o755), socket('/run/x', 0)]), undefined);
  });

  test('no socket, and a circle of links: no', () => {
    expectFault(faultOf('/run', [folder('/run', 0, 0o755)]), /\/run is not a socket/);
    const circle: EntryFacts = { path: '/a', kind: 'link', uid: 0, mode: 0o777, readOnly: false, target: '/a' };
    expectFault(faultOf('/a', [circle]), /too many links/);
  });
});
