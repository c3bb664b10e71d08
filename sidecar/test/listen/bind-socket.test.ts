import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { systemTimers } from '@tallystick/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bindSocket, type BindOptions, type BoundSocket } from '../../src/listen/bind-socket.ts';
import { loadKernel, type Kernel } from '../../src/listen/kernel.ts';
import { createReadPeer } from '../../src/listen/read-peer.ts';
import { testOwnPeer } from '../../src/listen/self-test.ts';
import { isRoot, startProcess } from './other-process.ts';
import { temporaryFolder } from './temporary-folder.ts';

const kernel = loadKernel();

interface Bound {
  server: Server;
  socket: BoundSocket;
}

async function bind(path: string, options: Partial<BindOptions> = {}): Promise<Bound> {
  const server = createServer((socket) => socket.on('error', () => {}).end('served'));
  onTestFinished(() => void server.close());
  const readPeer = createReadPeer(options.kernel ?? kernel);
  const socket = await bindSocket(server, {
    path,
    mode: 0o666,
    folderMode: 0o755,
    kernel,
    test: (tested, at) => testOwnPeer(tested, at, (connection) => readPeer(connection, 'app'), systemTimers),
    ...options,
  });
  onTestFinished(() => socket.unlock());
  return { server, socket };
}

function served(path: string): Promise<string> {
  return new Promise((resolve) => {
    const client = connect(path);
    client.once('data', (data) => resolve(data.toString()));
    client.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
  });
}

const code = (name: string): unknown => expect.objectContaining({ code: name });

test('the socket is there with its mode, serves, and nothing but its lock lies beside it', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'api.sock');
  const umask = process.umask(0o077);
  try {
    await bind(path, { mode: 0o660 });
  } finally {
    process.umask(umask);
  }
  expect(lstatSync(path).mode & 0o777).toBe(0o660);
  expect(lstatSync(path).isSocket()).toBe(true);
  expect(readdirSync(folder).sort()).toEqual(['api.sock', 'api.sock.lock']);
  expect(await served(path)).toBe('served');
});

test('before it can serve, there is no socket, and where it is made nobody else can enter', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'api.sock');
  const readPeer = createReadPeer(kernel);
  await bind(path, {
    async test(server, staged) {
      expect(existsSync(path)).toBe(false);
      expect(lstatSync(join(staged, '..')).mode & 0o777).toBe(0o700);
      return testOwnPeer(server, staged, (connection) => readPeer(connection, 'app'), systemTimers);
    },
  });
  expect(existsSync(path)).toBe(true);
});

test('a path of exactly 107 bytes is bound whole, and one more is refused', async () => {
  const folder = temporaryFolder();
  const deep = join(folder, 'd'.repeat(107 - folder.length - 10));
  await bind(join(deep, 'api.sock'));
  expect(readdirSync(deep)).toContain('api.sock');
  expect(await served(join(deep, 'api.sock'))).toBe('served');
  await expect(bind(join(deep, 'apis.sock'))).rejects.toThrow(code('socket_path_invalid'));
});

describe('a path that is taken', () => {
  test('by a live sidecar is refused, and that one serves on', async () => {
    const path = join(temporaryFolder(), 'api.sock');
    await bind(path);
    await expect(bind(path)).rejects.toThrow(code('socket_in_use'));
    expect(await served(path)).toBe('served');
  });

  test('by a live program that knows no lock is refused, and that one serves on', async () => {
    const path = join(temporaryFolder(), 'api.sock');
    const other = createServer((socket) => socket.on('error', () => {}).end('other')).listen(path);
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    await expect(bind(path)).rejects.toThrow(code('socket_in_use'));
    expect(await served(path)).toBe('other');
  });

  test('by a sidecar that was killed with -9 is bound anew', async () => {
    const path = join(temporaryFolder(), 'api.sock');
    const dead = startProcess(`net.createServer().listen(args[0], () => say('listening')); onLine(() => {});`, {
      args: [path],
    });
    await dead.hear();
    await dead.kill('SIGKILL');
    expect(await served(path)).toBe('ECONNREFUSED');
    await bind(path);
    expect(await served(path)).toBe('served');
  });

  test('by a sidecar that is still starting is refused', async () => {
    const path = join(temporaryFolder(), 'api.sock');
    const readPeer = createReadPeer(kernel);
    await bind(path, {
      async test(server, staged) {
        await expect(bind(path)).rejects.toThrow(code('socket_in_use'));
        return testOwnPeer(server, staged, (connection) => readPeer(connection, 'app'), systemTimers);
      },
    });
    expect(await served(path)).toBe('served');
  });

  test('by two that start at once is bound by one', async () => {
    const path = join(temporaryFolder(), 'api.sock');
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => bind(path)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toEqual(code('socket_in_use'));
    }
    expect(await served(path)).toBe('served');
  });

  test('by a file is refused, and the file is kept', async () => {
    const path = join(temporaryFolder(), 'api.sock');
    writeFileSync(path, 'kept');
    await expect(bind(path)).rejects.toThrow(/is there and is not a socket/);
    expect(lstatSync(path).isFile()).toBe(true);
  });

  test.runIf(isRoot)('by a squatter in a folder that others can write: the folder is refused first', async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o777);
    await expect(bind(join(folder, 'api.sock'))).rejects.toThrow(/others can replace the socket/);
  });

  test.runIf(isRoot)('by a squatter’s lock file in a sticky folder is refused in words', async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o1777);
    writeFileSync(join(folder, 'api.sock.lock'), '');
    chownSync(join(folder, 'api.sock.lock'), 1001, 1001);
    await expect(bind(join(folder, 'api.sock'))).rejects.toThrow(code('listen_failed'));
  });
});

describe('a start that fails', () => {
  /** A kernel that names this process wrongly. */
  const sandboxed: Kernel = { ...kernel, peerCredentials: () => ({ uid: 65_534, gid: 65_534, pid: 1 }) };

  test('on a kernel that names the own process wrongly says so, with the remedy', async () => {
    const path = join(temporaryFolder(), 'api.sock');
    await expect(bind(path, { kernel: sandboxed })).rejects.toThrow(
      /names this process wrongly .* uid 65534 where it is .*; run the sidecar on a kernel that gives peer credentials/,
    );
  });

  test('on a kernel that names nobody says so', async () => {
    const path = join(temporaryFolder(), 'api.sock');
    const mute: Kernel = {
      ...kernel,
      peerCredentials() {
        throw new Error('getsockopt: ENOPROTOOPT');
      },
    };
    await expect(bind(path, { kernel: mute })).rejects.toThrow(/does not name the other end/);
  });

  test('leaves no socket, no folder and no lock behind', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'api.sock');
    await expect(bind(path, { kernel: sandboxed })).rejects.toThrow(code('listen_failed'));
    expect(readdirSync(folder)).toEqual(['api.sock.lock']);
    await bind(path);
    expect(await served(path)).toBe('served');
  });

  test('keeps the stale socket that it would have replaced', async () => {
    const path = join(temporaryFolder(), 'api.sock');
    const dead = startProcess(`net.createServer().listen(args[0], () => say('listening')); onLine(() => {});`, {
      args: [path],
    });
    await dead.hear();
    await dead.kill();
    await expect(bind(path, { kernel: sandboxed })).rejects.toThrow(code('listen_failed'));
    expect(existsSync(path)).toBe(true);
  });
});

describe('the end', () => {
  test('takes the own socket away, and lets another have the path', async () => {
    const path = join(temporaryFolder(), 'api.sock');
    const { server, socket } = await bind(path);
    socket.unlink();
    server.close();
    socket.unlock();
    expect(existsSync(path)).toBe(false);
    await bind(path);
    socket.unlink(); // Late, and not its own any more.
    expect(await served(path)).toBe('served');
  });

  test('leaves a socket that took the place of the own', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'api.sock');
    const { server, socket } = await bind(path);
    renameSync(path, join(folder, 'moved'));
    const other = createServer((connection) => connection.on('error', () => {}).end('other')).listen(path);
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    socket.unlink();
    server.close();
    await once(server, 'close');
    expect(await served(path)).toBe('other');
  });

  test('of one whose socket was removed is no error', async () => {
    const path = join(temporaryFolder(), 'api.sock');
    const { socket } = await bind(path);
    unlinkSync(path);
    expect(() => socket.unlink()).not.toThrow();
  });
});

test('a folder that is missing is made, and one that is a file is named', async () => {
  const folder = temporaryFolder();
  await bind(join(folder, 'app', 'api.sock'));
  expect(await served(join(folder, 'app', 'api.sock'))).toBe('served');
  writeFileSync(join(folder, 'file'), '');
  await expect(bind(join(folder, 'file', 'api.sock'))).rejects.toThrow(code('listen_failed'));
  mkdirSync(join(folder, 'api.sock'));
  await expect(bind(join(folder, 'api.sock'))).rejects.toThrow(/is not a socket/);
});
