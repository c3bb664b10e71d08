import type { ReplicaTarget } from '@tallystick/audit';
import { expect, test } from 'vitest';
import { createCallGate } from '../../src/anchor/call-gate.ts';
import { manualTime } from '../manual-time.ts';

/** A target whose every call comes back as the test says. */
function heldTarget() {
  const calls: {
    readonly name: string;
    readonly resolve: (value: never) => void;
    readonly reject: (e: unknown) => void;
  }[] = [];
  const held = (name: string) => () => new Promise<never>((resolve, reject) => calls.push({ name, resolve, reject }));
  const target: ReplicaTarget = {
    putIfAbsent: held('putIfAbsent'),
    get: held('get'),
    remove: held('remove'),
    list: held('list'),
  };
  return { calls, target };
}

const alive = new AbortController().signal;

test('every call goes through with what it is given, and its answer comes back', async () => {
  const seen: unknown[][] = [];
  const note =
    <T>(name: string, value: T) =>
    async (...given: unknown[]): Promise<T> => {
      seen.push([name, ...given]);
      return value;
    };
  const bytes = Buffer.from('x');
  const target = createCallGate(manualTime(), 1000).guard(
    {
      putIfAbsent: note('put', true),
      get: note('get', bytes),
      remove: note('remove', undefined),
      list: note('list', ['a']),
    },
    alive,
  );
  expect(await target.putIfAbsent('a', bytes)).toBe(true);
  expect(await target.get('a')).toBe(bytes);
  await target.remove('a');
  expect(await target.list('f', 'g')).toEqual(['a']);
  expect(seen).toEqual([
    ['put', 'a', bytes],
    ['get', 'a'],
    ['remove', 'a'],
    ['list', 'f', 'g'],
  ]);
});

test('a call that does not come back is given up, and none is let through until it has', async () => {
  const time = manualTime();
  const { calls, target } = heldTarget();
  const gate = createCallGate(time, 1000);
  const guarded = gate.guard(target, alive);
  const given = guarded.get('a');
  time.advance(1000);
  await expect(given).rejects.toThrow('no answer within 1000 ms');
  expect(gate.hangs).toBe(true);
  // Of any target: it is the thread that counts.
  await expect(gate.guard(target, alive).list('f')).rejects.toThrow('an earlier call has not come back');
  expect(calls.map(({ name }) => name)).toEqual(['get']);
  calls[0]!.reject(new Error('at last'));
  await new Promise(setImmediate);
  expect(gate.hangs).toBe(false);
  const next = guarded.get('b');
  calls[1]!.resolve(undefined as never);
  expect(await next).toBeUndefined();
});

test('a call is cut off with the reason of the signal, before and while it is under way', async () => {
  const { calls, target } = heldTarget();
  const gate = createCallGate(manualTime(), 1000);
  const end = new AbortController();
  const given = gate.guard(target, end.signal).get('a');
  end.abort(new Error('the sidecar stops'));
  await expect(given).rejects.toThrow('the sidecar stops');
  await expect(gate.guard(target, end.signal).get('a')).rejects.toThrow('the sidecar stops');
  expect(calls).toHaveLength(1);
});

test('a call that fails by itself hangs nothing', async () => {
  const { calls, target } = heldTarget();
  const gate = createCallGate(manualTime(), 1000);
  const given = gate.guard(target, alive).get('a');
  calls[0]!.reject(new Error('EIO'));
  await expect(given).rejects.toThrow('EIO');
  await new Promise(setImmediate);
  expect(gate.hangs).toBe(false);
});
