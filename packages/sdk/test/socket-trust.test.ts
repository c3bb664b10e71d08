import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { trustSocket } from '../src/socket-trust.ts';

// The rule itself is core's, and tested there.
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
    trustSocket(path, self);
    symlinkSync('run', join(root, 'link'));
    trustSocket(join(root, 'link', 'api.sock'), self);
  });

  test('a folder that others can write to is refused, and the message ends with the remedy', async () => {
    const { root, path } = await place();
    chmodSync(join(root, 'run'), 0o777);
    expect(() => trustSocket(path, self)).toThrow(/everybody can write .*; let the sidecar own its socket and folder/);
  });

  test('a folder further up that a group can write to is refused, unless it is sticky', async () => {
    const { root, path } = await place();
    chmodSync(root, 0o770);
    expect(() => trustSocket(path, self)).toThrow(/the group of .* can write to it/);
    chmodSync(root, 0o1770);
    trustSocket(path, self);
  });

  test('what lies on the way of a link is judged too', async () => {
    const { root, path } = await place();
    mkdirSync(join(root, 'open'));
    chmodSync(join(root, 'open'), 0o777);
    symlinkSync('../run', join(root, 'open', 'link'));
    expect(() => trustSocket(join(root, 'open', 'link', 'api.sock'), self)).toThrow(untrusted);
    trustSocket(path, self);
  });

  test('a file in the place of a socket, and a circle of links, are refused', async () => {
    const { root } = await place();
    writeFileSync(join(root, 'file'), '');
    expect(() => trustSocket(join(root, 'file'), self)).toThrow(
      /file is not a socket; .*mount the folder of the socket$/,
    );
    symlinkSync('circle', join(root, 'circle'));
    expect(() => trustSocket(join(root, 'circle'), self)).toThrow(untrusted);
  });

  test('nothing there is a sidecar that may yet come, and the message says what is not there', async () => {
    const { root } = await place();
    const thrown = (path: string): unknown => {
      try {
        return trustSocket(path, self);
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
    expect(() => trustSocket(path, self)).toThrow(
      new RegExp(`cannot be reached: EACCES at ${path}; let the user of this process \\(uid ${self}\\) enter`),
    );
  });

  test.runIf(self === 0)('a socket that another user put into a folder of root is refused', async () => {
    const { path } = await place();
    chownSync(path, 12_345, 12_345);
    expect(() => trustSocket(path, 0)).toThrow(untrusted);
  });
});
