import { describe, expect, test } from 'vitest';
import type { FakeSidecar } from './fake-sidecar.ts';
import { manualTime, type ManualTime } from './manual-time.ts';
import { connected, sidecar } from './setup.ts';
import type { Identity } from '../src/identity.ts';

async function bench(): Promise<{ fake: FakeSidecar; identity: Identity; time: ManualTime }> {
  const time = manualTime();
  const fake = await sidecar({ clock: time.clock });
  const identity = await connected(fake, { clock: time.clock, timers: time.timers, pause: async () => {} });
  await expect.poll(() => fake.streams).toBe(1);
  return { fake, identity, time };
}

describe('identity.watch', () => {
  test('yields the credential, then each newer one, without anybody using it', async () => {
    const { identity, time, fake } = await bench();
    const leases: string[] = [];
    for await (const credential of identity.watch('ledger-api', 'access-token')) {
      leases.push(credential.leaseId);
      if (leases.length === 3) break;
      time.advance(450_000);
    }
    expect([new Set(leases).size, fake.mints]).toEqual([3, 3]);
  });

  test('skips what was replaced before it was asked for', async () => {
    const { identity, fake } = await bench();
    const watched = identity.watch('ledger-api', 'access-token')[Symbol.asyncIterator]();
    const first = (await watched.next()).value!;
    fake.rotate(first.leaseId);
    await expect.poll(() => fake.mints).toBe(2);
    await expect
      .poll(async () => (await identity.credential('ledger-api', 'access-token')).leaseId)
      .not.toBe(first.leaseId);
    fake.rotate((await identity.credential('ledger-api', 'access-token')).leaseId);
    await expect.poll(() => fake.mints).toBe(3);
    await expect
      .poll(async () => fake.leases.includes((await identity.credential('ledger-api', 'access-token')).leaseId))
      .toBe(true);
    expect((await watched.next()).value!.leaseId).toBe(fake.leases[0]);
    await watched.return!();
  });

  test('throws when the credential is revoked, also while nobody waits', async () => {
    const { identity, fake } = await bench();
    const waiting = identity.watch('ledger-api', 'access-token')[Symbol.asyncIterator]();
    const busy = identity.watch('ledger-api', 'access-token')[Symbol.asyncIterator]();
    await waiting.next();
    const { leaseId } = (await busy.next()).value!;
    const next = waiting.next();
    fake.revoke(leaseId);
    await expect(next).rejects.toMatchObject({ code: 'credential_revoked' });
    await expect(busy.next()).rejects.toMatchObject({ code: 'credential_revoked' });
    expect((await busy.next()).done).toBe(true);
  });

  test('ends on close, and with the reason of its signal', async () => {
    const { identity } = await bench();
    const controller = new AbortController();
    const aborted = identity.watch('ledger-api', 'access-token', { signal: controller.signal })[Symbol.asyncIterator]();
    const closed = identity.watch('ledger-api', 'access-token')[Symbol.asyncIterator]();
    await aborted.next();
    await closed.next();
    const next = aborted.next();
    controller.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
    const last = closed.next();
    await identity.close();
    expect((await last).done).toBe(true);
  });

  test('one that is left asks for nothing more: no timer waits', async () => {
    const { identity, time } = await bench();
    const before = time.pending;
    for await (const credential of identity.watch('ledger-api', 'access-token')) {
      expect([credential.name, time.pending]).toEqual(['ledger-api', before + 1]);
      break;
    }
    expect(time.pending).toBe(before);
  });
});
