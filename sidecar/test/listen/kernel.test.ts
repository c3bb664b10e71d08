import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { descriptorOf } from '../../src/listen/descriptor.ts';
import { createDarwinKernel } from '../../src/listen/kernel-darwin.ts';
import { createLinuxKernel } from '../../src/listen/kernel-linux.ts';
import { createKernel, loadKernel } from '../../src/listen/kernel.ts';
import type { Libc } from '../../src/listen/libc.ts';
import { CONNECT, isRoot, startProcess } from './other-process.ts';
import { temporaryFolder } from './temporary-folder.ts';

async function listening(): Promise<{ server: Server; path: string }> {
  const path = join(temporaryFolder(), 's');
  const server = createServer().listen({ path, writableAll: true, readableAll: true });
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return { server, path };
}

async function accepted(server: Server): Promise<Socket> {
  const [socket] = (await once(server, 'connection')) as [Socket];
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

describe.runIf(process.platform === 'linux')('Linux', () => {
  const kernel = loadKernel();

  test.runIf(isRoot)('SO_PEERCRED names user, group and process of another process', async () => {
    const { server, path } = await listening();
    const other = startProcess(CONNECT, { uid: 1001, gid: 2002, args: [path] });
    const fd = descriptorOf(await accepted(server));
    expect(kernel.peerCredentials(fd)).toEqual({ uid: 1001, gid: 2002, pid: other.pid });
    await other.kill();
  });

  test('SO_PEERPIDFD tells when the process ends, by kill -9 too', async () => {
    const { server, path } = await listening();
    const other = startProcess(CONNECT, { args: [path] });
    const process = kernel.openPeerProcess(descriptorOf(await accepted(server)));
    if (typeof process !== 'number') throw new Error(`no pidfd: ${process}`);
    onTestFinished(() => closeSync(process));
    expect(kernel.hasExited(process)).toBe(false);
    await other.kill('SIGKILL');
    expect(kernel.hasExited(process)).toBe(true);
  });

  test('what is asked of a closed descriptor is an error, not an answer', () => {
    expect(() => kernel.peerCredentials(99_999)).toThrow(/SO_PEERCRED.*EBADF/);
    expect(() => kernel.openPeerProcess(99_999)).toThrow(/SO_PEERPIDFD.*EBADF/);
    expect(() => kernel.lock(99_999)).toThrow(/flock.*EBADF/);
  });
});

/** A libc whose getsockopt answers by option. */
function libcOf(answers: Record<number, number | ((value: Buffer) => number)>): Libc {
  return {
    getsockopt(_fd, _level, option, value) {
      const answer = answers[option]!;
      return typeof answer === 'number' ? answer : answer(value);
    },
    flock: () => 0,
    pollReadable: () => 0,
  };
}

describe('answers of kernels that are not at hand', () => {
  test.each([
    ['Linux before 6.5 has no pidfd', 'ENOPROTOOPT', undefined],
    ['Linux 6.5 says EINVAL of a peer that has ended', 'EINVAL', 'exited'],
    ['later ones say ESRCH', 'ESRCH', 'exited'],
    ['and ENODATA of none', 'ENODATA', 'exited'],
  ] as const)('%s', (_, errno, expected) => {
    expect(createLinuxKernel(libcOf({ 77: -constants.errno[errno] })).openPeerProcess(5)).toBe(expected);
  });

  test('a sidecar that is out of descriptors does not take that for an answer', () => {
    expect(() => createLinuxKernel(libcOf({ 77: -constants.errno.EMFILE })).openPeerProcess(5)).toThrow(/EMFILE/);
  });

  const xucred = (version: number, groups: number) => (value: Buffer) => {
    value.writeUInt32LE(version, 0);
    value.writeUInt32LE(501, 4);
    value.writeInt16LE(groups, 8);
    value.writeUInt32LE(20, 12);
    return 76;
  };
  const pid = (value: Buffer): number => value.writeInt32LE(4711, 0);

  test('macOS: LOCAL_PEERCRED gives the user and its first group, LOCAL_PEERPID the process', () => {
    expect(createDarwinKernel(libcOf({ 1: xucred(0, 3), 2: pid })).peerCredentials(5)).toEqual({
      uid: 501,
      gid: 20,
      pid: 4711,
    });
  });

  test.each([
    ['another version', xucred(1, 3)],
    ['no group', xucred(0, 0)],
    ['another length', () => 12],
  ])('macOS: a credential of %s is refused', (_, answer) => {
    expect(() => createDarwinKernel(libcOf({ 1: answer, 2: pid })).peerCredentials(5)).toThrow(/xucred/);
  });

  test.each([
    ['win32', 'x64'],
    ['freebsd', 'arm64'],
    ['linux', 's390x'],
  ] as const)('%s on %s is refused in words', (platform, arch) => {
    expect(() => createKernel(platform, arch)).toThrow(expect.objectContaining({ code: 'platform_unsupported' }));
  });
});

test('a socket without a descriptor is refused in words', () => {
  expect(() => descriptorOf({} as Socket)).toThrow(expect.objectContaining({ code: 'platform_unsupported' }));
  expect(() => descriptorOf({ _handle: { fd: -1 } } as unknown as Socket)).toThrow(/no file descriptor/);
});
