import type { Timers } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import { MAX_BATCH_RECORDS, type Batch } from '../../src/journal/batch.ts';
import { createInlineCommitter, type Committer } from '../../src/journal/committer.ts';
import {
  createGroupCommit,
  HANG_MS,
  type GroupCommit,
  type GroupCommitOptions,
  type UnsignedBatch,
} from '../../src/journal/group-commit.ts';
import type { Position } from '../../src/journal/journal.ts';
import { recoverJournal } from '../../src/journal/recovery.ts';
import { dice, ModelDisk } from './model-disk.ts';

/** Timers that fire when told. */
function heldTimers(): Timers & { fire(): void; armed: Map<object, [number, () => void]> } {
  const armed = new Map<object, [number, () => void]>();
  return {
    armed,
    after(delayMs, callback) {
      const timer = { cancel: () => armed.delete(timer) };
      armed.set(timer, [delayMs, callback]);
      return timer;
    },
    fire() {
      for (const [, callback] of armed.values()) callback();
    },
  };
}

/** A committer whose batches become durable when told. */
function heldCommitter(): Committer & { held: { body: Buffer; done: PromiseWithResolvers<Position> }[] } {
  const held: { body: Buffer; done: PromiseWithResolvers<Position> }[] = [];
  return {
    held,
    commit({ bytes }) {
      const done = Promise.withResolvers<Position>();
      held.push({ body: Buffer.from(bytes), done });
      return done.promise;
    },
    release: async () => {},
    close: async () => {},
  };
}

function groupCommit(over: Partial<GroupCommitOptions> & { committer: Committer }) {
  const signed: UnsignedBatch[] = [];
  const failures: unknown[] = [];
  const group = createGroupCommit({
    nextSeq: 0,
    sign(batch) {
      signed.push(batch);
      return Buffer.from(`head over ${batch.firstSeq + batch.records.length}`);
    },
    timers: heldTimers(),
    onFailure: (error) => failures.push(error),
    ...over,
  });
  return { group, signed, failures };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const settled = async (promise: Promise<unknown>): Promise<unknown> => {
  const pending = Symbol('pending');
  return Promise.race([
    promise.catch((error: unknown) => error),
    turn()
      .then(turn)
      .then(() => pending),
  ]).then((value) => (value === pending ? 'pending' : value));
};
const bytes = (text: string): Buffer => Buffer.from(text);
const diskCommitter = (disk: ModelDisk): Committer =>
  createInlineCommitter(recoverJournal({ disk, onBatch: () => {} }).journal);

describe('group commit', () => {
  test('commits together what came together, and what came meanwhile as the next batch', async () => {
    const committer = heldCommitter();
    const { group, signed } = groupCommit({ committer });
    const first = [group.append(bytes('a')), group.append(bytes('b'))];
    await turn();
    const second = [group.append(bytes('c')), group.append(bytes('d'))];
    await turn();
    expect(signed).toHaveLength(1);
    expect(group.pending).toBe(4);
    committer.held[0]!.done.resolve({ batchNo: 0, firstSeq: 0, nextSeq: 2 });
    expect(await Promise.all(first)).toEqual([0, 1]);
    await turn();
    committer.held[1]!.done.resolve({ batchNo: 1, firstSeq: 2, nextSeq: 4 });
    expect(await Promise.all(second)).toEqual([2, 3]);
    expect(signed.map(({ firstSeq, records }) => [firstSeq, records.map(String)])).toEqual([
      [0, ['a', 'b']],
      [2, ['c', 'd']],
    ]);
    expect(group.pending).toBe(0);
  });

  test('resolves no waiter, and shows no head, before the disk has answered', async () => {
    const committer = heldCommitter();
    const shown: string[] = [];
    const { group } = groupCommit({ committer, onDurable: (_, head) => shown.push(Buffer.from(head).toString()) });
    const record = group.append(bytes('a'));
    expect(await settled(record)).toBe('pending');
    expect(shown).toEqual([]);
    committer.held[0]!.done.resolve({ batchNo: 0, firstSeq: 0, nextSeq: 1 });
    expect(await record).toBe(0);
    expect(shown).toEqual(['head over 1']);
  });

  test('puts on disk the head that was signed over the records, durable when append resolves', async () => {
    const disk = new ModelDisk(dice(1));
    const { group } = groupCommit({ committer: diskCommitter(disk) });
    await Promise.all(['a', 'b', 'c'].map((text) => group.append(bytes(text))));
    const found: Batch[] = [];
    recoverJournal({ disk: disk.afterPowerLoss('reordered'), onBatch: (batch) => found.push(batch) });
    expect(found.map(({ records, head }) => [...records, head].map((part) => Buffer.from(part).toString()))).toEqual([
      ['a', 'b', 'c', 'head over 3'],
    ]);
  });

  test('a number is taken during the call', () => {
    const { group } = groupCommit({ committer: heldCommitter(), nextSeq: 41 });
    void group.append(bytes('a'));
    expect(group.nextSeq).toBe(42);
  });

  test('a batch has no more records than fit, and the rest goes into the next one', async () => {
    const disk = new ModelDisk(dice(1));
    const { group, signed } = groupCommit({ committer: diskCommitter(disk) });
    const small = Array.from({ length: MAX_BATCH_RECORDS + 1 }, () => group.append(bytes('a')));
    const large = Array.from({ length: 16 }, () => group.append(Buffer.alloc(65_535)));
    await Promise.all([...small, ...large]);
    expect(signed.map(({ records }) => records.length)).toEqual([MAX_BATCH_RECORDS, 15, 2]);
  });

  test('a record that is too long is refused alone', async () => {
    const { group } = groupCommit({ committer: diskCommitter(new ModelDisk(dice(1))) });
    await expect(group.append(Buffer.alloc(65_536))).rejects.toMatchObject({ fault: 'record_too_long' });
    await expect(group.append(bytes('a'))).resolves.toBe(0);
  });
});

describe('a failure is final', () => {
  const refusesAll = async (group: GroupCommit, waiting: Promise<number>[], fault: string): Promise<void> => {
    for (const result of await Promise.allSettled(waiting)) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'record_unavailable', fault } });
    }
    await expect(group.append(bytes('later'))).rejects.toMatchObject({ fault });
    expect(group.failure).toMatchObject({ fault });
    expect(group.pending).toBe(0);
  };

  test.each([
    ['datasync', 'eio', 'sync_failed'],
    ['write', 'eio', 'write_failed'],
    ['write', 'enospc', 'disk_full'],
  ] as const)(
    'of %s, %s: every waiter present and future has %s, and the disk is not asked again',
    async (at, how, fault) => {
      const disk = new ModelDisk(dice(1));
      const { group, failures } = groupCommit({ committer: diskCommitter(disk) });
      disk.fault = (call) => (call === at ? how : undefined);
      const waiting = [group.append(bytes('a')), group.append(bytes('b'))];
      await Promise.allSettled(waiting);
      disk.fault = () => undefined;
      const { calls } = disk;
      await refusesAll(group, waiting, fault);
      expect(disk.calls).toBe(calls);
      expect(failures).toHaveLength(1);
    },
  );

  test('a disk that hangs fails its waiters after two seconds, and a late answer changes nothing', async () => {
    const [committer, timers] = [heldCommitter(), heldTimers()];
    const { group, failures } = groupCommit({ committer, timers });
    const waiting = [group.append(bytes('a'))];
    await turn();
    waiting.push(group.append(bytes('b')));
    expect([...timers.armed.values()].map(([delayMs]) => delayMs)).toEqual([HANG_MS]);
    timers.fire();
    await refusesAll(group, waiting, 'hung');
    committer.held[0]!.done.resolve({ batchNo: 0, firstSeq: 0, nextSeq: 1 });
    await turn();
    expect(group.failure).toMatchObject({ fault: 'hung' });
    expect(failures).toHaveLength(1);
    await group.close();
  });

  test('of the signer, whose error stays inside', async () => {
    const cause = new Error('token expired');
    const { group } = groupCommit({ committer: heldCommitter(), sign: () => Promise.reject(cause) });
    const waiting = [group.append(bytes('a'))];
    await refusesAll(group, waiting, 'sign_failed');
    expect(group.failure!.cause).toBe(cause);
    expect(group.failure!.message).not.toContain('token expired');
  });

  test('of a journal that counts otherwise', async () => {
    const committer = heldCommitter();
    const { group } = groupCommit({ committer });
    const waiting = [group.append(bytes('a'))];
    await turn();
    committer.held[0]!.done.resolve({ batchNo: 0, firstSeq: 5, nextSeq: 6 });
    await refusesAll(group, waiting, 'write_failed');
  });
});

test('close waits for what was appended, and takes nothing more', async () => {
  const { group } = groupCommit({ committer: diskCommitter(new ModelDisk(dice(1))) });
  const record = group.append(bytes('a'));
  const closed = group.close();
  await expect(group.append(bytes('b'))).rejects.toMatchObject({ fault: 'closed' });
  await closed;
  expect(await record).toBe(0);
});
