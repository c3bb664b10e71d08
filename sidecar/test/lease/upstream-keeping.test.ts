import { describe, expect, test } from 'vitest';
import { createUpstreamKeeping } from '../../src/lease/upstream-keeping.ts';
import type { Lease } from '../../src/lease/lease.ts';
import type { UpstreamLease } from '../../src/state/upstream-leases.ts';
import { keyOf } from './leases.ts';

const ORDER = { leaseId: 'ls_1', identity: 'spiffe://acme.example/close-batch', provider: 'vault-eu', untilMs: 1000 };
const MADE = { material: { username: 'u', password: 'p' }, handles: {}, expiresAtMs: 1000 };

function keeping(written?: Promise<void>) {
  const kept: UpstreamLease[] = [];
  const ended: UpstreamLease[] = [];
  const claimed: string[] = [];
  const own = createUpstreamKeeping({
    leases: {
      async keep(lease) {
        await written;
        kept.push(lease);
      },
    },
    claim: async ({ handle }) => void claimed.push(handle),
    end: (lease) => ended.push(lease),
  });
  return { kept, ended, claimed, own };
}

describe('what ends a lease upstream', () => {
  test('is kept before it is made, with the record of its intent, and not twice', async () => {
    const { own, kept, claimed } = keeping();
    const order = own.begin(ORDER);
    order.intended('record-1');
    await order.keep('h');
    await order.made({ ...MADE, handle: 'h' });
    expect(kept).toEqual([{ ...ORDER, intent: 'record-1', handle: 'h' }]);
    expect(claimed).toEqual(['h']);
  });

  test('is kept when it is made, where the upstream could not tell it before', async () => {
    const { own, kept } = keeping();
    await own.begin(ORDER).made({ ...MADE, handle: 'h' });
    await own.begin(ORDER).made(MADE);
    expect(kept.map(({ handle }) => handle)).toEqual(['h']);
  });

  test('is kept for as long as it may be there: longer than was asked for, or can be extended to', async () => {
    const { own, kept } = keeping();
    const [longer, extendable] = [own.begin(ORDER), own.begin(ORDER)];
    await longer.keep('h');
    await longer.made({ ...MADE, handle: 'h', expiresAtMs: 2000 });
    await extendable.made({ ...MADE, handle: 'h', renewableUntilMs: 9000 });
    expect(kept.map(({ untilMs }) => untilMs)).toEqual([1000, 2000, 9000]);
  });

  test('is kept anew when it was extended past what is kept, and only then', async () => {
    const { own, kept } = keeping();
    const upstream = { handle: 'h', intent: 'r', keptUntilMs: 2000 } as Lease['upstream'];
    const lease = { id: 'ls_1', key: keyOf('key-1'), upstream } as Lease;
    await own.extended(lease, { expiresAtMs: 2000 });
    await own.extended(lease, { expiresAtMs: 2500, renewableUntilMs: 3000 });
    await own.extended(lease, { expiresAtMs: 3000 });
    expect(kept.map(({ leaseId, untilMs }) => [leaseId, untilMs])).toEqual([['ls_1', 3000]]);
  });
});

describe('an order that fails', () => {
  test('has what was kept of it ended, and nothing where nothing was', async () => {
    const { own, ended } = keeping();
    own.begin(ORDER).failed();
    expect(ended).toEqual([]);
    const order = own.begin(ORDER);
    await order.keep('h');
    order.failed();
    expect(ended).toMatchObject([{ leaseId: 'ls_1', handle: 'h' }]);
  });

  test.each([
    ['on the disk', false],
    ['given up, because the disk fails', true],
  ])('while it is being kept has that ended once, when it is %s', async (_when, fails) => {
    const disk = Promise.withResolvers<void>();
    const { own, kept, ended } = keeping(disk.promise);
    const order = own.begin(ORDER);
    const keeps = order.keep('h').catch(() => {});
    order.failed();
    expect(ended).toEqual([]);
    if (fails) disk.reject(new Error('full'));
    else disk.resolve();
    await keeps;
    expect([kept.length, ended.map(({ handle }) => handle)]).toEqual([fails ? 0 : 1, ['h']]);
  });

  test('and makes something after all has that ended when it is kept', async () => {
    const { own, ended, kept } = keeping();
    const order = own.begin(ORDER);
    order.failed();
    await order.keep('too late');
    expect([kept.length, ended.map(({ handle }) => handle)]).toEqual([1, ['too late']]);
  });
});
