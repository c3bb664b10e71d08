import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CONNECT, isRoot, OtherProcess, startProcess } from './other-process.ts';
import { temporaryFolder } from './temporary-folder.ts';

const possible = isRoot && spawnSync('unshare', ['--pid', '--fork', 'true']).status === 0;
if (!possible) console.warn('no PID namespaces here: peers with pid 0 are not tested');

/** A process in a PID namespace of its own that prints what it reads of each peer, and on each line if it lives. */
async function readerInNamespace(...unshare: string[]): Promise<{ reader: OtherProcess; path: string }> {
  const path = join(temporaryFolder(), 's');
  const source = (name: string): string => JSON.stringify(new URL(`../../src/listen/${name}`, import.meta.url).href);
  const code = `
    import { connect, createServer } from 'node:net';
    import { createInterface } from 'node:readline';
    import { createReadPeer } from ${source('read-peer.ts')};
    const readPeer = createReadPeer();
    let peer;
    const server = createServer((socket) => {
      socket.on('error', () => {});
      peer = readPeer(socket, 'app');
      console.log(JSON.stringify(peer));
    });
    createInterface({ input: process.stdin }).on('line', (line) => {
      if (line === 'connect') connect(${JSON.stringify(path)});
      else console.log(peer.isAlive());
    });
    server.listen({ path: ${JSON.stringify(path)}, readableAll: true, writableAll: true }, () => console.log('ready'));
  `;
  const node = [
    process.execPath,
    '--conditions=@tallystick/source',
    '--no-warnings',
    '--input-type=module',
    '-e',
    code,
  ];
  const reader = new OtherProcess('unshare', ['--pid', '--fork', '--kill-child', ...unshare, ...node]);
  onTestFinished(() => reader.kill());
  expect(await reader.hear()).toBe('ready');
  return { reader, path };
}

describe.runIf(possible)('a peer in another PID namespace', () => {
  test.each([['with the process table of the host'], ['with a process table of its own', '--mount-proc']])(
    'has pid 0 and its user and group, and is seen to end (%s)',
    async (_, ...unshare) => {
      const { reader, path } = await readerInNamespace(...unshare);
      const other = startProcess(CONNECT, { uid: 1001, gid: 2002, args: [path] });
      expect(JSON.parse(await reader.hear())).toEqual({ socket: 'app', uid: 1001, gid: 2002, pid: 0, visible: false });
      reader.say('alive?');
      expect(await reader.hear()).toBe('true');
      await other.kill('SIGKILL');
      reader.say('alive?');
      expect(await reader.hear()).toBe('false');
    },
  );

  test('a sidecar under the process table of another namespace sees nobody, not even itself', async () => {
    const { reader } = await readerInNamespace();
    reader.say('connect');
    expect(JSON.parse(await reader.hear())).toMatchObject({ pid: 1, visible: false });
  });

  test('under a process table of its own it sees those inside', async () => {
    const { reader } = await readerInNamespace('--mount-proc');
    reader.say('connect');
    expect(JSON.parse(await reader.hear())).toMatchObject({ pid: 1, visible: true });
  });
});
