import type { SidecarEvent } from '@tallystick/protocol';
import { describe, expect, test } from 'vitest';
import { createEventHub, type EventHub } from '../../src/events/hub.ts';

function subscribe(
  hub: EventHub,
  identity: string,
  jkt: string,
  snapshot = { state: 'active' as const, leases: ['ls_1'] },
) {
  const heard: SidecarEvent[] = [];
  let ended = 0;
  let rechecked = 0;
  const leave = hub.subscribe(
    { identity, jkt, send: (event) => heard.push(event), end: () => ended++, recheck: () => rechecked++ },
    snapshot,
  );
  return { heard, leave, ended: () => ended, rechecked: () => rechecked };
}

describe('an event stream', () => {
  test('begins with a whole snapshot, and counts from there', () => {
    const hub = createEventHub('epoch-1');
    const { heard } = subscribe(hub, 'a', 'k');
    hub.publish('a', { type: 'changed' });
    hub.publish('a', { type: 'revoked', leases: ['ls_1'] }, 'k');
    expect(heard).toEqual([
      { type: 'snapshot', epoch: 'epoch-1', seq: 0, state: 'active', leases: ['ls_1'] },
      { type: 'changed', seq: 1 },
      { type: 'revoked', seq: 2, leases: ['ls_1'] },
    ]);
  });

  test('counts what it was sent itself, not what others were', () => {
    const hub = createEventHub('e');
    const first = subscribe(hub, 'a', 'k1');
    hub.publish('a', { type: 'changed' });
    const second = subscribe(hub, 'a', 'k2');
    hub.publish('a', { type: 'changed' }, 'k1');
    hub.publish('a', { type: 'changed' });
    expect(first.heard.map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
    expect(second.heard.map(({ seq }) => seq)).toEqual([0, 1]);
  });

  test('hears of its own identity and key alone', () => {
    const hub = createEventHub('e');
    const streams = {
      a1: subscribe(hub, 'a', 'k1'),
      a1b: subscribe(hub, 'a', 'k1'),
      a2: subscribe(hub, 'a', 'k2'),
      b1: subscribe(hub, 'b', 'k1'),
    };
    hub.publish('a', { type: 'changed' }, 'k1');
    hub.publish('a', { type: 'state', state: 'suspended' });
    hub.publish('c', { type: 'changed' });
    hub.publish('b', { type: 'changed' }, 'k2');
    const counts = Object.entries(streams).map(([name, { heard }]) => [name, heard.length - 1]);
    expect(Object.fromEntries(counts)).toEqual({ a1: 2, a1b: 2, a2: 1, b1: 0 });
  });
});

describe('the hub', () => {
  test('has every stream of an identity looked at again, and none of another', () => {
    const hub = createEventHub('e');
    const [one, two, other] = [subscribe(hub, 'a', 'k1'), subscribe(hub, 'a', 'k2'), subscribe(hub, 'b', 'k1')];
    hub.recheck('a');
    hub.recheck('c');
    expect([one, two, other].map(({ rechecked }) => rechecked())).toEqual([1, 1, 0]);
  });

  test('forgets a stream that left, once', () => {
    const hub = createEventHub('e');
    const [one, two] = [subscribe(hub, 'a', 'k'), subscribe(hub, 'a', 'k')];
    one.leave();
    one.leave();
    expect(hub.size).toBe(1);
    hub.publish('a', { type: 'changed' });
    expect([one.heard.length, two.heard.length]).toEqual([1, 2]);
    two.leave();
    expect([hub.size, hub.isLive('a', 'k')]).toEqual([0, false]);
    const three = subscribe(hub, 'a', 'k');
    one.leave();
    hub.publish('a', { type: 'changed' });
    expect(three.heard).toHaveLength(2);
  });

  test('knows which holders have a stream open', () => {
    const hub = createEventHub('e');
    const one = subscribe(hub, 'a', 'k');
    subscribe(hub, 'a', 'k').leave();
    expect([hub.isLive('a', 'k'), hub.isLive('a', 'x'), hub.isLive('x', 'k')]).toEqual([true, false, false]);
    one.leave();
    expect(hub.isLive('a', 'k')).toBe(false);
  });

  test('ends every stream when it closes, also those that leave by that', () => {
    const hub = createEventHub('e');
    const ends: string[] = [];
    for (const key of ['k1', 'k1', 'k2']) {
      const leave = hub.subscribe(
        {
          identity: 'a',
          jkt: key,
          send: () => {},
          recheck: () => {},
          end: () => {
            ends.push(key);
            leave();
          },
        },
        { state: 'active', leases: [] },
      );
    }
    hub.close();
    expect([ends, hub.size]).toEqual([['k1', 'k1', 'k2'], 0]);
  });
});
