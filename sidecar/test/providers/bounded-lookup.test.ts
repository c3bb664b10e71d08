import { sign, generateKeyPairSync } from 'node:crypto';
import type { LookupAddress } from 'node:dns';
import { open, readFile } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemTimers } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import { createBoundedLookup, LOOKUP_MS, LOOKUPS_AT_ONCE, type Lookup } from '../../src/providers/bounded-lookup.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';
import { manualTime } from '../manual-time.ts';

const HERE: LookupAddress[] = [
  { address: '10.0.0.1', family: 4 },
  { address: 'fd00::1', family: 6 },
];

function lookups() {
  const time = manualTime();
  const asked: {
    readonly host: string;
    readonly answer: (given?: LookupAddress[]) => void;
    readonly fail: (code: string) => void;
  }[] = [];
  const lookup = createBoundedLookup({
    lookup: (host, _options, callback) => {
      asked.push({
        host,
        answer: (given = HERE) => callback(null, given),
        fail: (code) => callback(Object.assign(new Error(code), { code }), []),
      });
    },
    clock: time,
    timers: time,
  });
  const find = (host: string): Promise<string | LookupAddress[]> =>
    new Promise((resolve, reject) => {
      lookup(host, { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)));
    });
  return { time, asked, lookup, find };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a look-up', () => {
  test('answers in both forms that a socket asks for', async () => {
    const { asked, lookup, find } = lookups();
    const all = find('vault.acme.example');
    asked[0]!.answer();
    expect(await all).toEqual(HERE);
    const one = new Promise((resolve) => lookup('vault.acme.example', {}, (...given) => resolve(given)));
    await turn();
    asked[1]!.answer();
    expect(await one).toEqual([null, '10.0.0.1', 4]);
  });

  test('that hangs is given up, and those that hang together hold two threads, however many they are', async () => {
    const { asked, find, time } = lookups();
    const found = Array.from({ length: 8 }, (_, i) => find(`host-${i}`));
    const outcomes = Promise.allSettled(found);
    await turn();
    time.advance(LOOKUP_MS);
    expect(
      (await outcomes).map((each) => each.status === 'rejected' && (each.reason as { code: string }).code),
    ).toEqual(Array.from({ length: 8 }, () => 'ETIMEOUT'));
    expect(asked).toHaveLength(LOOKUPS_AT_ONCE);
    asked[0]!.fail('EAI_AGAIN');
    await turn();
    expect(asked).toHaveLength(LOOKUPS_AT_ONCE + 1);
  });

  test('of one host is shared by all who ask at once', async () => {
    const { asked, find } = lookups();
    const found = Array.from({ length: 50 }, () => find('vault.acme.example'));
    asked[0]!.answer();
    expect((await Promise.all(found)).every((each) => each === HERE)).toBe(true);
    expect(asked).toHaveLength(1);
  });
});

describe('while names cannot be resolved', () => {
  test.each([
    ['the resolver says so', (asked: { fail: (code: string) => void }) => asked.fail('EAI_AGAIN')],
    ['it says nothing', undefined],
  ])('the last addresses of a host are used: %s', async (_, fail) => {
    const { asked, find, time } = lookups();
    const first = find('vault.acme.example');
    asked[0]!.answer();
    await first;
    const second = find('vault.acme.example');
    await turn();
    if (fail) fail(asked[1]!);
    else time.advance(LOOKUP_MS);
    expect(await second).toEqual(HERE);
  });

  test('for an hour, and not where the name is said not to exist', async () => {
    const { asked, find, time } = lookups();
    const first = find('vault.acme.example');
    asked[0]!.answer();
    await first;
    const second = find('vault.acme.example');
    asked[1]!.fail('ENOTFOUND');
    await expect(second).rejects.toMatchObject({ code: 'ENOTFOUND' });
    time.advance(3_600_000);
    const third = find('vault.acme.example');
    await turn();
    asked[2]!.fail('EAI_AGAIN');
    await expect(third).rejects.toMatchObject({ code: 'EAI_AGAIN' });
  });
});

test('eight that hang in real threads leave threads for the disk and for signatures', async () => {
  // Opening a pipe that nobody writes to holds a thread of the pool, as a resolver does that gets no answer.
  const pipe = join(temporaryFolder(), 'pipe');
  execFileSync('mkfifo', [pipe]);
  let hanging = 0;
  const lookup = createBoundedLookup({
    lookup: ((_host, _options, callback) => {
      hanging++;
      open(pipe, 'r', () => callback(null, HERE));
    }) satisfies Lookup,
    clock: { monotonicMs: () => 0 },
    timers: systemTimers,
  });
  const found = Array.from(
    { length: 8 },
    (_, i) => new Promise<void>((resolve) => lookup(`host-${i}`, { all: true }, () => resolve())),
  );
  await turn();
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  for (let i = 0; i < 20; i++) {
    await promisify(readFile)('/proc/self/stat');
    await promisify(sign)('sha256', Buffer.from('record'), privateKey);
  }
  expect(hanging).toBe(LOOKUPS_AT_ONCE);
  // Lets go of all, so that the pool is free again: each that comes through lets the next one in.
  const writer = await openFile(pipe, 'r+');
  await Promise.all(found);
  await writer.close();
});
