import { describe, expect, test } from 'vitest';
import { GRACE_MS, startUpstreamOrphans } from '../../src/lease/upstream-orphans.ts';
import type { UpstreamStatus } from '../../src/providers/upstream-status.ts';
import type { UpstreamLease } from '../../src/state/upstream-leases.ts';
import { manualTime } from '../manual-time.ts';

const kept = (leaseId: string, handle = `handle of ${leaseId}`): UpstreamLease => ({
  leaseId,
  identity: 'spiffe://acme.example/close-batch',
  intent: 'r',
  provider: 'vault-eu',
  handle,
  untilMs: Number.MAX_SAFE_INTEGER,
});

function orphans(earlier: readonly UpstreamLease[]) {
  const time = manualTime();
  const ended: string[] = [];
  const forgotten: string[] = [];
  let status: Partial<UpstreamStatus> | undefined;
  let trying = Promise.resolve();
  const started = startUpstreamOrphans({
    earlier,
    end: ({ leaseId }) => ended.push(leaseId),
    forget: (leaseId) => forgotten.push(leaseId),
    tried: () => trying,
    status: () => (status ? [{ name: 'vault-eu', ...status } as UpstreamStatus] : []),
    timers: time,
  });
  return {
    time,
    ended,
    forgotten,
    orphans: started,
    say: (next: Partial<UpstreamStatus>) => (status = next),
    hold(promise: Promise<void>) {
      trying = promise;
    },
  };
}

describe('what an earlier run has left upstream', () => {
  test('is ended when its holders have had a minute to ask again, and not before', () => {
    const { time, ended } = orphans([kept('ls_1'), kept('ls_2')]);
    time.advance(GRACE_MS - 1);
    expect(ended).toEqual([]);
    time.advance(1);
    expect(ended).toEqual(['ls_1', 'ls_2']);
  });

  test('is not ended once this run has the same handle, and is forgotten as the earlier one', async () => {
    const earlier = [kept('ls_1', 'static-role'), kept('ls_2')];
    const { time, ended, forgotten, orphans: own } = orphans(earlier);
    await own.claim(kept('ls_9', 'static-role'));
    time.advance(GRACE_MS);
    expect([ended, forgotten, own.judge(earlier[0]!), own.judge(earlier[1]!)]).toEqual([
      ['ls_2'],
      ['ls_1'],
      'drop',
      'end',
    ]);
  });

  test('is waited for by one who takes its handle while it is just being ended', async () => {
    const { orphans: own, hold } = orphans([kept('ls_1', 'static-role')]);
    const held = Promise.withResolvers<void>();
    hold(held.promise);
    const order: string[] = [];
    const claimed = own.claim(kept('ls_9', 'static-role')).then(() => order.push('claimed'));
    await new Promise(setImmediate);
    order.push('ended');
    held.resolve();
    await claimed;
    expect(order).toEqual(['ended', 'claimed']);
  });

  test('waits while its upstream is in trouble, and a minute after: nobody could ask for anything new', () => {
    const earlier = kept('ls_1');
    const { orphans: own, say } = orphans([earlier]);
    expect(own.judge(earlier)).toBe('end');
    say({ troubleAgeMs: 5000, servesMs: undefined });
    expect(own.judge(earlier)).toBe('wait');
    say({ troubleAgeMs: 100_000, servesMs: GRACE_MS - 1 });
    expect(own.judge(earlier)).toBe('wait');
    say({ troubleAgeMs: 100_000, servesMs: GRACE_MS });
    expect(own.judge(earlier)).toBe('end');
  });

  test('is tried again where nobody else asks an upstream that was in trouble', () => {
    const earlier = kept('ls_1');
    const { orphans: own, say } = orphans([earlier]);
    say({ troubleAgeMs: 600_000, servesMs: undefined });
    expect(own.judge(earlier)).toBe('end');
  });
});

test('what this run has kept and could not use is ended at any time', () => {
  const { orphans: own, say } = orphans([]);
  say({ troubleAgeMs: 5000, servesMs: undefined });
  expect(own.judge(kept('ls_1'))).toBe('end');
});

test('a stop leaves them to the next run', () => {
  const { time, ended, orphans: own } = orphans([kept('ls_1')]);
  own.stop();
  time.advance(GRACE_MS);
  expect([ended, time.waiting]).toEqual([[], 0]);
});
