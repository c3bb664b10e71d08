import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadKernel, type Kernel } from '../../src/listen/kernel.ts';
import { processTable } from '../../src/listen/process-table.ts';
import { createReadPeer } from '../../src/listen/read-peer.ts';
import { CONNECT, isRoot, OtherProcess, startProcess } from './other-process.ts';
import { readPeers } from './peers.ts';
import { temporaryFolder } from './temporary-folder.ts';

const kernel = loadKernel();
const linux = process.platform === 'linux';
const node = realpathSync(process.execPath);

describe.runIf(linux)('a process that the sidecar can see', () => {
  test.runIf(isRoot)('is named by user, group, pid and executable', async () => {
    const peers = await readPeers(createReadPeer());
    const other = startProcess(CONNECT, { uid: 1001, gid: 2002, args: [peers.path] });
    const { peer } = await peers.next();
    expect(peer).toMatchObject({
      socket: 'app',
      uid: 1001,
      gid: 2002,
      pid: other.pid,
      visible: true,
      executable: node,
    });
    await other.kill();
  });

  test('is alive until it ends, however many connections it has closed before', async () => {
    const peers = await readPeers(createReadPeer());
    const other = startProcess(
      `const first = net.connect(args[0]); net.connect(args[0], () => say('both'));
       onLine(() => first.destroy());`,
      { args: [peers.path] },
    );
    const { peer, socket } = await peers.next();
    await other.hear();
    const closed = once(socket, 'close');
    other.say('close the first');
    await closed;
    expect(peer.isAlive()).toBe(true);
    await other.kill('SIGKILL');
    expect(peer.isAlive()).toBe(false);
  });

  test('a connection that was inherited speaks for the process that opened it, and for nobody once that has ended', async () => {
    const peers = await readPeers(createReadPeer());
    const opener = startProcess(
      `const socket = net.connect(args[0], () => {
         const heir = "process.stdin.resume(); require('net').Socket({ fd: 3 }).write('still here')";
         require('node:child_process').spawn(process.execPath, ['-e', heir], {
           stdio: ['pipe', 'ignore', 'inherit', socket._handle.fd], detached: true,
         }).unref();
         onLine(() => process.exit());
       });`,
      { args: [peers.path] },
    );
    const { peer, socket } = await peers.next();
    await once(socket, 'data'); // From the heir.
    expect(peer).toMatchObject({ pid: opener.pid });
    expect(peer.isAlive()).toBe(true);
    opener.say('end');
    await opener.ended;
    expect(peer.isAlive()).toBe(false);
    expect(socket.destroyed).toBe(false); // The heir still holds it.
  });

  test('one that has ended before it is read is not alive, and is not looked for', async () => {
    const late: Kernel = { ...kernel, openPeerProcess: () => 'exited' };
    const peers = await readPeers(createReadPeer(late));
    onTestFinished(() => void client.destroy());
    const client = connect(peers.path);
    const { peer } = await peers.next();
    expect(peer).toMatchObject({ visible: false, executable: undefined });
    expect(peer.isAlive()).toBe(false);
  });

  test('a pid is not confused with a later process of that number', async () => {
    // The process ends while it is read, and the table shows what came after under its number.
    let ended = false;
    const reused = { ...kernel, hasExited: () => ended };
    const table = { ...processTable, executable: () => ((ended = true), '/usr/bin/other') };
    const peers = await readPeers(createReadPeer(reused, table));
    const client = connect(peers.path);
    onTestFinished(() => void client.destroy());
    const { peer } = await peers.next();
    expect(peer).toMatchObject({ visible: false, executable: undefined });
    expect(peer.isAlive()).toBe(false);
  });

  test('under a process table of another PID namespace, the number names nobody', async () => {
    const foreign = { ...processTable, pidOf: () => 1 };
    const peers = await readPeers(createReadPeer(kernel, foreign));
    const client = connect(peers.path);
    onTestFinished(() => void client.destroy());
    const { peer } = await peers.next();
    expect(peer).toMatchObject({ pid: process.pid, visible: false, executable: undefined });
    expect(peer.isAlive()).toBe(true);
  });
});

test.runIf(linux && isRoot)(
  'a sidecar that is not root sees the processes of others, but not what they execute',
  async () => {
    const source = (name: string): string => JSON.stringify(new URL(`../../src/listen/${name}`, import.meta.url).href);
    const path = join(temporaryFolder(), 's');
    const reader = new OtherProcess(process.execPath, [
      '--conditions=@tallystick/source',
      '--no-warnings',
      '--input-type=module',
      '-e',
      `import { createServer } from 'node:net';
     import { createReadPeer } from ${source('read-peer.ts')};
     const readPeer = createReadPeer();
     createServer((socket) => {
       socket.on('error', () => {});
       const peer = readPeer(socket, 'app');
       console.log(JSON.stringify({ ...peer, alive: peer.isAlive() }));
       process.stdin.once('data', () => console.log(peer.isAlive()));
     }).listen({ path: ${JSON.stringify(path)}, readableAll: true, writableAll: true }, () => {
       process.setgroups([]);
       process.setgid(1002);
       process.setuid(1002);
       console.log('ready');
     });`,
    ]);
    await reader.hear();
    const other = startProcess(CONNECT, { uid: 1001, gid: 1001, args: [path] });
    expect(JSON.parse(await reader.hear())).toEqual({
      socket: 'app',
      uid: 1001,
      gid: 1001,
      pid: other.pid,
      visible: true,
      alive: true,
    });
    await other.kill();
    reader.say('alive?');
    expect(await reader.hear()).toBe('false');
    await reader.kill();
  },
);

describe('a kernel without pidfds', () => {
  const old: Kernel = { ...kernel, openPeerProcess: () => undefined };

  test('a peer is alive while its pid keeps its start time, and never visible', async () => {
    let startTime: string | undefined = '100';
    const peers = await readPeers(createReadPeer(old, { ...processTable, startTime: () => startTime }));
    const client = connect(peers.path);
    onTestFinished(() => void client.destroy());
    const { peer } = await peers.next();
    expect(peer).toMatchObject({ visible: false, executable: undefined });
    expect(peer.isAlive()).toBe(true);
    startTime = '200'; // Reused.
    expect(peer.isAlive()).toBe(false);
    startTime = undefined; // Gone.
    expect(peer.isAlive()).toBe(false);
  });

  test.runIf(linux)('a real process is seen to end', async () => {
    const peers = await readPeers(createReadPeer(old));
    const other = startProcess(CONNECT, { args: [peers.path] });
    const { peer } = await peers.next();
    expect(peer.isAlive()).toBe(true);
    await other.kill();
    expect(peer.isAlive()).toBe(false);
  });

  test('of a process that the table does not show, nothing is claimed', async () => {
    const peers = await readPeers(createReadPeer(old, { ...processTable, startTime: () => undefined }));
    const client = connect(peers.path);
    onTestFinished(() => void client.destroy());
    expect((await peers.next()).peer.isAlive()).toBe(true);
  });
});
