import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { judgeSocket, requireTrustedSocket, type EntryFacts, type Step } from '../src/socket-trust.ts';

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
const socket = (uid: number): EntryFacts => ({ path: 'api.sock', kind: 'socket', uid, mode: 0o666, readOnly: false });
/** The steps through folders to a socket. */
const way = (...entries: EntryFacts[]): Step[] =>
  entries.map((entry, i) => ({ folder: i === 0 ? folder('/', 0, 0o755) : entries[i - 1]!, entry }));

describe('whose socket is trusted', () => {
  test.each([
    [
      'of a sidecar with a user of its own, in its own folder',
      way(folder('/run', 0, 0o755), folder('/run/ts', SIDECAR, 0o755), socket(SIDECAR)),
    ],
    ['of root', way(folder('/run', 0, 0o755), folder('/run/ts', 0, 0o755), socket(0))],
    [
      'of our own, in a folder of our own below /tmp',
      way(folder('/tmp', 0, 0o1777), folder('/tmp/x', SELF, 0o700), socket(SELF)),
    ],
    ['of our own, right in /tmp', way(folder('/tmp', 0, 0o1777), socket(SELF))],
    [
      'of a sidecar, in a volume writable by all that is mounted read-only here',
      way(folder('/vol', 0, 0o777, true), folder('/vol/app', SIDECAR, 0o755), socket(SIDECAR)),
    ],
  ])('%s: yes', (_, steps) => {
    expect(judgeSocket(steps, SELF)).toBeUndefined();
  });

  test.each([
    [
      'of another user, in a folder of root',
      way(folder('/run', 0, 0o755), folder('/run/ts', 0, 0o755), socket(ATTACKER)),
      /belongs to uid 666/,
    ],
    [
      'of another user, right in /tmp',
      way(folder('/tmp', 0, 0o1777), socket(ATTACKER)),
      /everybody can write to \/tmp/,
    ],
    [
      'of another user, in his folder below /tmp',
      way(folder('/tmp', 0, 0o1777), folder('/tmp/ts', ATTACKER, 0o755), socket(ATTACKER)),
      /belongs to uid 666/,
    ],
    [
      'of root, in a folder that everybody can write to',
      way(folder('/run', 0, 0o755), folder('/run/ts', 0, 0o777), socket(0)),
      /everybody can write to \/run\/ts/,
    ],
    [
      'in a folder that its group can write to',
      way(folder('/run', 0, 0o755), folder('/run/ts', SELF, 0o775), socket(SELF)),
      /the group of \/run\/ts/,
    ],
    [
      'below a folder that everybody can write to',
      way(folder('/vol', 0, 0o777), folder('/vol/ts', SIDECAR, 0o755), socket(SIDECAR)),
      /everybody can write to \/vol/,
    ],
  ])('%s: no', (_, steps, why) => {
    expect(judgeSocket(steps, SELF)).toMatch(why);
  });

  test('a link of another user is not followed, whatever it leads to', () => {
    const link: EntryFacts = { path: '/opt/link', kind: 'link', uid: ATTACKER, mode: 0o777, readOnly: false };
    expect(judgeSocket([{ folder: folder('/opt', 0, 0o755), entry: link }, ...way(socket(0))], SELF)).toMatch(
      /the link .* belongs to uid 666/,
    );
  });
});

describe('on a real file system', () => {
  const place = async (): Promise<{ root: string; path: string }> => {
    const root = mkdtempSync(join(tmpdir(), 'ts-trust-'));
    onTestFinished(() => rmSync(root, { recursive: true }));
    mkdirSync(join(root, 'run'), { mode: 0o755 });
    const path = join(root, 'run', 'api.sock');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
    return { root, path };
  };
  const untrusted = expect.objectContaining({ code: 'socket_untrusted' });
  const self = process.getuid!();

  test('a socket in a folder of our own is trusted, also through a link of our own', async () => {
    const { root, path } = await place();
    requireTrustedSocket(path, self);
    symlinkSync('run', join(root, 'link'));
    requireTrustedSocket(join(root, 'link', 'api.sock'), self);
  });

  test('a folder that others can write to is refused, and the message ends with the remedy', async () => {
    const { root, path } = await place();
    chmodSync(join(root, 'run'), 0o777);
    expect(() => requireTrustedSocket(path, self)).toThrow(
      /everybody can write .*; let the sidecar own its socket and folder/,
    );
  });

  test('what lies on the way of a link is judged too', async () => {
    const { root, path } = await place();
    mkdirSync(join(root, 'open'));
    chmodSync(join(root, 'open'), 0o777);
    symlinkSync('../run', join(root, 'open', 'link'));
    expect(() => requireTrustedSocket(join(root, 'open', 'link', 'api.sock'), self)).toThrow(untrusted);
    requireTrustedSocket(path, self);
  });

  test('a file in the place of a socket, and a circle of links, are refused', async () => {
    const { root } = await place();
    writeFileSync(join(root, 'file'), '');
    expect(() => requireTrustedSocket(join(root, 'file'), self)).toThrow(
      /file is not a socket; .*mount the folder of the socket$/,
    );
    symlinkSync('circle', join(root, 'circle'));
    expect(() => requireTrustedSocket(join(root, 'circle'), self)).toThrow(untrusted);
  });

  test('nothing there is a sidecar that may yet come, and the message says what is not there', async () => {
    const { root } = await place();
    const thrown = (path: string): unknown => {
      try {
        return requireTrustedSocket(path, self);
      } catch (error) {
        return error;
      }
    };
    expect(thrown(`${root}/run/b.sock`)).toMatchObject({
      code: 'sidecar_unavailable',
      retryable: true,
      description: `there is no socket ${root}/run/b.sock`,
    });
    expect(thrown(`${root}/ran/api.sock`)).toMatchObject({
      description: `there is no socket ${root}/ran/api.sock: there is no ${root}/ran`,
    });
  });

  // Root may enter every folder.
  test.runIf(self !== 0)('a folder that may not be entered is named, with the user who may not', async () => {
    const { root, path } = await place();
    chmodSync(join(root, 'run'), 0);
    onTestFinished(() => chmodSync(join(root, 'run'), 0o755));
    expect(() => requireTrustedSocket(path, self)).toThrow(
      new RegExp(`cannot be reached: EACCES at ${path}; let the user of this process \\(uid ${self}\\) enter`),
    );
  });

  test.runIf(self === 0)('a socket that another user put into a folder of root is refused', async () => {
    const { path } = await place();
    chownSync(path, 12_345, 12_345);
    expect(() => requireTrustedSocket(path, 0)).toThrow(untrusted);
  });
});
