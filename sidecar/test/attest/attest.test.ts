import { TallystickError } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import { assuranceOf, createAttest } from '../../src/attest/attest.ts';
import type { Attestor } from '../../src/attest/attestor.ts';
import { socketAttestor } from '../../src/attest/socket.ts';
import { unixAttestor } from '../../src/attest/unix.ts';
import type { Peer } from '../../src/listen/peer.ts';

const peer: Peer = {
  socket: 'app',
  uid: 1001,
  gid: 2002,
  pid: 4711,
  visible: true,
  executable: '/usr/local/bin/node',
  isAlive: () => true,
};

describe('selectors', () => {
  test('of a visible process: its user, group, executable and socket, sorted', async () => {
    const attestation = await createAttest([unixAttestor, socketAttestor])(peer);
    expect(attestation).toEqual({
      selectors: ['tallystick:socket:app', 'unix:gid:2002', 'unix:path:/usr/local/bin/node', 'unix:uid:1001'],
      assurance: 'process',
      peer,
    });
  });

  test('of a process in another PID namespace: its user, group and socket, by a lower assurance', async () => {
    const distant: Peer = { ...peer, pid: 0, visible: false, executable: undefined };
    const { selectors, assurance } = await createAttest([socketAttestor, unixAttestor])(distant);
    expect(selectors).toEqual(['tallystick:socket:app', 'unix:gid:2002', 'unix:uid:1001']);
    expect(assurance).toBe('socket');
  });

  test('that several attestors give are there once', async () => {
    const attestor: Attestor = { name: 'twice', attest: () => ['b', 'a', 'b'] };
    expect((await createAttest([attestor, attestor])(peer)).selectors).toEqual(['a', 'b']);
  });
});

test('a peer that has no pidfd behind it is no more than a user on a socket', () => {
  expect(assuranceOf({ ...peer, visible: false })).toBe('socket');
  expect(assuranceOf(peer)).toBe('process');
});

describe('once per connection', () => {
  test('attestors are asked in their order, and again for another connection', async () => {
    const asked: string[] = [];
    const attestor = (name: string): Attestor => ({ name, attest: () => (asked.push(name), [name]) });
    const attest = createAttest([attestor('z'), attestor('a')]);
    const first = await attest(peer);
    expect(await attest(peer)).toBe(first);
    expect(asked).toEqual(['z', 'a']);
    await attest({ ...peer });
    expect(asked).toEqual(['z', 'a', 'z', 'a']);
  });

  test('one that cannot tell fails the request, and is asked again by the next', async () => {
    let down = true;
    const attestor: Attestor = {
      name: 'k8s',
      async attest() {
        if (down) throw new TallystickError('overloaded', 'the API server does not answer');
        return ['k8s:ns:payments'];
      },
    };
    const attest = createAttest([unixAttestor, attestor]);
    await expect(attest(peer)).rejects.toThrow(expect.objectContaining({ code: 'overloaded' }));
    down = false;
    expect((await attest(peer)).selectors).toContain('k8s:ns:payments');
  });
});

describe('a process that has ended', () => {
  const gone = expect.objectContaining({ code: 'peer_gone' });

  test('is refused, and no attestor is asked', async () => {
    const attestor: Attestor = { name: 'never', attest: () => expect.unreachable() };
    await expect(createAttest([attestor])({ ...peer, isAlive: () => false })).rejects.toThrow(gone);
  });

  test('while it was attested is refused: what was read may be of another with its pid', async () => {
    let alive = true;
    const attestor: Attestor = { name: 'slow', attest: () => ((alive = false), ['unix:uid:0']) };
    await expect(createAttest([attestor])({ ...peer, isAlive: () => alive })).rejects.toThrow(gone);
  });

  test('between two requests is refused at the second', async () => {
    let alive = true;
    const attest = createAttest([unixAttestor]);
    const mortal: Peer = { ...peer, isAlive: () => alive };
    await attest(mortal);
    alive = false;
    await expect(attest(mortal)).rejects.toThrow(gone);
  });
});
