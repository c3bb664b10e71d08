import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { indexRevocations, type Revocation } from '@tallystick/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openStanding, type Standing } from '../../src/state/standing.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';
import { manualTime, START_MS } from '../manual-time.ts';

const NOW = Math.floor(START_MS / 1000);
const ID = 'spiffe://acme.example/close-batch';
const jti = (value: string, until = NOW + 900): Revocation => ({ kind: 'jti', value, until });

async function standing(folder = temporaryFolder()) {
  const time = manualTime();
  const opened = await openStanding(folder, time);
  return { folder, time, standing: opened, again: () => openStanding(folder, time) };
}
/** Makes the disk fail, until the returned function is called. */
async function breakDisk(folder: string): Promise<() => Promise<void>> {
  await mkdir(join(folder, 'standing.json.new'));
  return () => rmdir(join(folder, 'standing.json.new'));
}
const token = (members: Partial<{ jti: string; jkt: string; sub: string; iat: number }> = {}) => ({
  jti: 'ls_1',
  jkt: 'key',
  sub: ID,
  iat: NOW,
  ...members,
});

describe('what is taken away', () => {
  test('holds at once, before any disk', async () => {
    const { standing: own } = await standing();
    const writes = [own.suspend(ID, 'SEC-7'), own.revoke([jti('ls_1'), { kind: 'jkt', value: 'k2', until: NOW + 9 }])];
    expect([own.isSuspended(ID), own.revokes(token()), own.isKeyRevoked('k2')]).toEqual([true, true, true]);
    await Promise.all(writes);
  });

  test('is there after a restart', async () => {
    const { standing: own, again } = await standing();
    await own.suspend(ID, 'SEC-7');
    await own.revoke([jti('ls_1'), { kind: 'sub', value: 'spiffe://x/y', before: NOW, until: NOW + 900 }]);
    const next = await again();
    expect(next.suspensions()).toEqual([{ identity: ID, since: '2026-11-22T12:00:00.250Z', reason: 'SEC-7' }]);
    expect(next.revocations()).toEqual(own.revocations());
    expect(next.revokes(token({ jti: 'other', sub: 'spiffe://x/y' }))).toBe(true);
  });

  test('holds in memory when the disk fails, and is written with the next change', async () => {
    const { folder, standing: own, again } = await standing();
    const heal = await breakDisk(folder);
    await expect(own.suspend(ID, 'SEC-7')).rejects.toMatchObject({ code: 'state_unusable' });
    await expect(own.revoke([jti('ls_1')])).rejects.toMatchObject({ code: 'state_unusable' });
    expect([own.isSuspended(ID), own.revokes(token())]).toEqual([true, true]);
    expect((await again()).isSuspended(ID)).toBe(false);
    await heal();
    await own.revoke([jti('ls_2')]);
    const next = await again();
    expect([next.isSuspended(ID), next.revokes(token()), next.revokes(token({ jti: 'ls_2' }))]).toEqual([
      true,
      true,
      true,
    ]);
  });

  test('again after a failure is tried again, though it is not news', async () => {
    const { folder, standing: own, again } = await standing();
    const heal = await breakDisk(folder);
    await expect(own.revoke([jti('ls_1')])).rejects.toMatchObject({ code: 'state_unusable' });
    await expect(own.revoke([jti('ls_1')])).rejects.toMatchObject({ code: 'state_unusable' });
    await heal();
    await own.revoke([jti('ls_1')]);
    expect((await again()).revokes(token())).toBe(true);
  });

  test('by many at once is durable for each when it is told so', async () => {
    const { standing: own, again } = await standing();
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        await own.revoke([jti(`ls_${i}`)]);
        if (i % 50 === 0) expect((await again()).revokes(token({ jti: `ls_${i}` }))).toBe(true);
      }),
    );
    expect((await again()).size).toBe(200);
  });

  test('while it is being written waits for the next write, and none is begun beside another', async () => {
    const { standing: own, again } = await standing();
    const running: Promise<void>[] = [];
    for (let i = 0; i < 60; i++) {
      running.push(own.revoke([jti(`ls_${i}`)]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(running);
    expect((await again()).size).toBe(60);
  });

  test('twice is one line, and no news', async () => {
    const { standing: own } = await standing();
    await own.revoke([jti('ls_1')]);
    const { version } = own;
    for (let i = 0; i < 10; i++) await own.revoke([jti('ls_1')]);
    expect([own.size, own.version]).toEqual([1, version]);
  });
});

describe('giving back', () => {
  test('holds only when it is durable', async () => {
    const { standing: own, again } = await standing();
    await own.suspend(ID, 'SEC-7');
    const resumed = own.resume(ID);
    expect(own.isSuspended(ID)).toBe(true);
    await resumed;
    expect([own.isSuspended(ID), (await again()).isSuspended(ID)]).toEqual([false, false]);
  });

  test('does not hold when the disk fails', async () => {
    const { folder, standing: own } = await standing();
    await own.suspend(ID, 'SEC-7');
    const heal = await breakDisk(folder);
    await expect(own.resume(ID)).rejects.toMatchObject({ code: 'state_unusable' });
    expect(own.isSuspended(ID)).toBe(true);
    await heal();
    await own.resume(ID);
    expect(own.isSuspended(ID)).toBe(false);
  });

  test('yields to a suspension that came meanwhile', async () => {
    const { standing: own, again } = await standing();
    await own.suspend(ID, 'first');
    await Promise.all([own.resume(ID), own.suspend(ID, 'second')]);
    expect(own.isSuspended(ID)).toBe(true);
    expect((await again()).suspensions()).toMatchObject([{ reason: 'second' }]);
  });

  test('what is not suspended changes nothing', async () => {
    const { folder, standing: own } = await standing();
    await own.resume(ID);
    await expect(readFile(join(folder, 'standing.json'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('does not revive what the suspension revoked', async () => {
    const { standing: own } = await standing();
    await own.suspend(ID, 'x');
    await own.revoke([{ kind: 'sub', value: ID, before: NOW - 1, until: NOW + 900 }]);
    await own.resume(ID);
    expect(own.revokes(token({ iat: NOW - 1 }))).toBe(true);
    expect(own.revokes(token({ iat: NOW }))).toBe(false);
  });
});

describe('lines', () => {
  test('go a quarter of an hour after their end, for clocks that differ', async () => {
    const { time, standing: own, again } = await standing();
    await own.revoke([jti('short', NOW + 60), jti('long', NOW + 86_400)]);
    time.advance((60 + 899) * 1000);
    expect(own.revocations()).toHaveLength(2);
    time.advance(2000);
    expect(own.revocations()).toEqual([jti('long', NOW + 86_400)]);
    await own.revoke([jti('other')]);
    expect((await again()).size).toBe(2);
  });

  test('are not lost by a clock that jumps ten minutes ahead and back', async () => {
    const { time, standing: own } = await standing();
    await own.revoke([jti('short', NOW + 60)]);
    time.jump(600_000);
    await own.revoke([jti('other')]);
    time.jump(-600_000);
    expect(own.revokes(token({ jti: 'short' }))).toBe(true);
  });

  test('are not lost by a clock that jumps a day ahead and is set right', async () => {
    const { standing: own, time, again } = await standing();
    await own.revoke([jti('ls_1', NOW + 60)]);
    time.jump(86_400_000);
    await own.revoke([jti('ls_2', NOW + 86_460)]);
    expect(own.revocations()).toHaveLength(2);
    time.jump(-86_400_000);
    expect([own.revokes(token()), (await again()).revokes(token())]).toEqual([true, true]);
  });

  test('about one subject keep the latest instant and the latest end', async () => {
    const { standing: own } = await standing();
    await own.revoke([{ kind: 'sub', value: ID, before: NOW, until: NOW + 100 }]);
    await own.revoke([{ kind: 'sub', value: ID, before: NOW - 50, until: NOW + 900 }]);
    await own.revoke([{ kind: 'sub', value: ID, before: NOW, until: NOW + 500 }]);
    expect(own.revocations()).toEqual([{ kind: 'sub', value: ID, before: NOW, until: NOW + 900 }]);
  });

  test('say of every token what the list says to an API', async () => {
    const { standing: own } = await standing();
    const value = fc.constantFrom('a', 'b', 'c');
    const seconds = fc.integer({ min: NOW - 3, max: NOW + 3 });
    const line: fc.Arbitrary<Revocation> = fc.oneof(
      fc.record({ kind: fc.constantFrom('jti' as const, 'jkt' as const), value, until: fc.constant(NOW + 900) }),
      fc.record({ kind: fc.constant('sub' as const), value, before: seconds, until: fc.constant(NOW + 900) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 2 }),
        fc.record({ jti: value, jkt: value, sub: value, iat: seconds }),
        async (lines, one) => {
          await own.revoke(lines);
          expect(own.revokes(one)).toBe(indexRevocations(own.revocations()).revokes(one));
        },
      ),
      { numRuns: 40 },
    );
  });
});

test('a torn file stops the start: what was taken away may not be forgotten', async () => {
  const { folder, standing: own, again } = await standing();
  await own.suspend(ID, 'SEC-7');
  const path = join(folder, 'standing.json');
  await writeFile(path, (await readFile(path, 'utf8')).slice(0, 40));
  await expect(again()).rejects.toMatchObject({ code: 'state_unusable' });
});

test('whatever changes come in whatever order, memory and disk agree at the end, and suspensions win', async () => {
  const change = fc.record({
    kind: fc.constantFrom('suspend', 'resume', 'revoke', 'wait'),
    id: fc.constantFrom('a', 'b'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 12 }), async (changes) => {
      const { standing: own, again } = await standing();
      const running: Promise<unknown>[] = [];
      const suspended = new Map<string, boolean>();
      const apply = (kind: string, id: string): Promise<void> | undefined => {
        if (kind === 'suspend') suspended.set(id, true);
        // Nothing is given back that is not there to be given back.
        else if (kind === 'resume' && own.isSuspended(id)) suspended.set(id, false);
        return kind === 'suspend' ? own.suspend(id, 'x') : kind === 'resume' ? own.resume(id) : own.revoke([jti(id)]);
      };
      for (const { kind, id } of changes) {
        if (kind === 'wait') await Promise.all(running);
        else running.push(apply(kind, id) ?? Promise.resolve());
      }
      await Promise.all(running);
      const next: Standing = await again();
      for (const id of ['a', 'b']) {
        expect(own.isSuspended(id)).toBe(suspended.get(id) ?? false);
        expect(next.isSuspended(id)).toBe(own.isSuspended(id));
      }
      expect(next.revocations()).toEqual(own.revocations());
    }),
    { numRuns: 25 },
  );
});
