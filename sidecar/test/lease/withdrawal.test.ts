import type { SidecarEvent } from '@tallystick/protocol';
import { describe, expect, test } from 'vitest';
import { createEventHub } from '../../src/events/hub.ts';
import { createBarCap } from '../../src/lease/bar-cap.ts';
import { createWithdrawal } from '../../src/lease/withdrawal.ts';
import { openStanding, type Standing } from '../../src/state/standing.ts';
import { expOf, type Lease } from '../../src/lease/lease.ts';
import { identity } from '../acme.ts';
import { upstreamCredential } from '../providers/test-provider.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';
import { leases } from './leases.ts';

const BATCH = identity('close-batch');
const CERTIFICATE = upstreamCredential('batch-tls', { type: 'x509', binding: 'mtls', holders: 'own' });
const OTHER = identity('other');

/** Leases, the list and the events, and in which order the three learnt of each withdrawal. */
async function withdrawals() {
  const own = leases();
  const standing = await openStanding(temporaryFolder(), own.time);
  const order: string[] = [];
  const hub = createEventHub('epoch');
  const events = new Map<string, SidecarEvent[]>();
  const listen = (id: string, jkt: string): SidecarEvent[] => {
    const heard: SidecarEvent[] = [];
    events.set(`${id} ${jkt}`, heard);
    const send = (event: SidecarEvent): void => {
      if (event.type === 'snapshot') return;
      order.push(`event ${event.type}`);
      heard.push(event);
    };
    hub.subscribe({ identity: id, jkt, send, end: () => {}, recheck: () => {} }, { state: 'active', leases: [] });
    return heard;
  };
  const watched: Standing = {
    ...standing,
    isSuspended: standing.isSuspended,
    revoke(lines) {
      order.push(`list of ${[...own.table.all()].length} leases`);
      return standing.revoke(lines).then(() => void order.push('disk'));
    },
  };
  const withdrawal = createWithdrawal({
    leases: own.manager,
    table: own.table,
    standing: watched,
    hub,
    clock: own.time,
    barCap: createBarCap({ clock: own.time, perIdentity: 3 }),
    ending: { end: (lease) => own.abandoned.push(lease) },
    maxLifetimeSeconds: 86_400,
  });
  const now = (): number => Math.floor(own.time.nowMs() / 1000);
  return { ...own, standing, withdrawal, listen, order, now };
}

/** A certificate, and tokens that are bound to it. */
async function certified(get: Awaited<ReturnType<typeof withdrawals>>['get'], count: number) {
  const { lease: certificate } = await get('key-1', { credential: CERTIFICATE, subject: `digest of ${count}` });
  const scopes = Array.from({ length: count }, (_, i) => [`scope-${i}`]);
  const tokens = await Promise.all(scopes.map((scope) => get('key-1', { scope, subject: certificate.id })));
  return { certificate, tokens: tokens.map(({ lease }) => lease) };
}

describe('taking away goes', () => {
  test('from the leases to the list to the workloads to the disk, the first three at once', async () => {
    const { get, withdrawal, listen, order } = await withdrawals();
    const { lease } = await get();
    listen(BATCH.id, 'key-1');
    const { durable } = withdrawal.revokeLeases([lease]);
    expect(order).toEqual(['list of 0 leases', 'event revoked']);
    await durable;
    expect(order.at(-1)).toBe('disk');
  });

  test('in that order for a suspension too', async () => {
    const { get, withdrawal, listen, order, standing } = await withdrawals();
    await get();
    listen(BATCH.id, 'key-1');
    const { leases: ended, durable } = withdrawal.suspend(BATCH, 'SEC-7');
    expect([ended.length, standing.isSuspended(BATCH.id)]).toEqual([1, true]);
    expect(order).toEqual(['list of 0 leases', 'event state']);
    await durable;
  });
});

describe('revoking leases', () => {
  test('lists each until it ends, and tells its holder alone, once', async () => {
    const { get, withdrawal, listen, standing } = await withdrawals();
    const mine = [await get('key-1'), await get('key-1', { scope: [] })].map(({ lease }) => lease);
    const theirs = await get('key-2');
    const [heard, others] = [listen(BATCH.id, 'key-1'), listen(BATCH.id, 'key-2')];
    await withdrawal.revokeLeases(mine).durable;
    expect(standing.revocations()).toEqual(
      mine.map((lease) => ({ kind: 'jti', value: lease.id, until: expOf(lease) })),
    );
    expect(heard).toEqual([{ type: 'revoked', seq: 1, leases: mine.map(({ id }) => id) }]);
    expect(others).toEqual([]);
    expect(theirs.lease.revoked).toBe(false);
  });

  test('of none changes nothing', async () => {
    const { withdrawal, standing } = await withdrawals();
    await withdrawal.revokeLeases([]).durable;
    expect([standing.size, standing.version]).toEqual([0, 0]);
  });

  test('by the id of an earlier run is listed for the longest life that a token may have', async () => {
    const { withdrawal, standing, now } = await withdrawals();
    await withdrawal.revokeById('ls_earlier');
    expect(standing.revocations()).toEqual([{ kind: 'jti', value: 'ls_earlier', until: now() + 86_400 }]);
  });
});

test('the tokens of a certificate that is gone end here, and on the list as far as it has room', async () => {
  const { get, withdrawal, standing, listen, table, abandoned } = await withdrawals();
  const { certificate, tokens } = await certified(get, 4);
  const other = await certified(get, 1);
  const heard = listen(BATCH.id, 'key-1');
  const { leases: ended, durable } = withdrawal.abandon(certificate);
  await durable;
  expect([ended, abandoned[0]]).toEqual([tokens, certificate]);
  expect(tokens.every(({ revoked }) => revoked)).toBe(true);
  expect(standing.size).toBe(3);
  expect(heard).toMatchObject([{ type: 'revoked', leases: tokens.map(({ id }) => id) }]);
  expect(table.get(other.tokens[0]!.id)?.revoked).toBe(false);
});

test('revoking a key ends what it holds for every identity, and bars it for a year', async () => {
  const { get, withdrawal, standing, time } = await withdrawals();
  const mine = [await get('key-1'), await get('key-1', { identity: OTHER.id })];
  const theirs = await get('key-2');
  const { leases: ended, durable } = withdrawal.revokeKey('key-1');
  await durable;
  expect(ended).toEqual(mine.map(({ lease }) => lease));
  expect(theirs.lease.revoked).toBe(false);
  time.advance(365 * 86_400_000);
  expect([standing.isKeyRevoked('key-1'), standing.isKeyRevoked('key-2')]).toEqual([true, false]);
  time.advance(2 * 86_400_000);
  standing.revocations();
  expect(standing.isKeyRevoked('key-1')).toBe(false);
});

describe.each(['suspending', 'revoking all of', 'narrowing'])('%s an identity', (how) => {
  const end = ({ withdrawal }: Awaited<ReturnType<typeof withdrawals>>): Promise<void> => {
    if (how === 'suspending') return withdrawal.suspend(BATCH, 'SEC-7').durable;
    return how === 'narrowing' ? withdrawal.narrow([BATCH.id]) : withdrawal.revokeIdentity(BATCH.id).durable;
  };

  test('revokes every token it was issued before, by this run or another', async () => {
    const own = await withdrawals();
    const { lease } = await own.get();
    await end(own);
    const revokes = (jti: string, iat: number): boolean => own.standing.revokes({ jti, jkt: 'k', sub: BATCH.id, iat });
    expect(lease.revoked).toBe(true);
    expect([revokes(lease.id, own.now()), revokes('ls_earlier', own.now() - 1)]).toEqual([true, true]);
    expect(own.standing.revokes({ jti: 'x', jkt: 'k', sub: OTHER.id, iat: own.now() - 1 })).toBe(false);
  });

  test('leaves good what it is issued later, in the same second too', async () => {
    const own = await withdrawals();
    await own.get();
    await end(own);
    const { lease } = await own.get();
    expect(own.standing.revokes({ jti: lease.id, jkt: 'k', sub: BATCH.id, iat: own.now() })).toBe(false);
  });

  test('revokes what a clock that was ahead has issued', async () => {
    const own = await withdrawals();
    own.time.jump(600_000);
    const { lease } = await own.get();
    own.time.jump(-600_000);
    await end(own);
    expect(own.standing.revokes({ jti: lease.id, jkt: 'k', sub: BATCH.id, iat: lease.issuedAtMs / 1000 })).toBe(true);
  });

  test('makes its workloads drop all they hold, and tells nobody else', async () => {
    const own = await withdrawals();
    const [heard, others] = [own.listen(BATCH.id, 'key-9'), own.listen(OTHER.id, 'key-9')];
    await end(own);
    expect(heard[0]).toEqual({ type: 'state', seq: 1, state: 'suspended' });
    // Where it may ask again, it is told to look.
    expect(heard.slice(1)).toEqual(how === 'suspending' ? [] : [{ type: 'changed', seq: 2 }]);
    expect(others).toEqual([]);
  });
});

test('a resumed identity is told so, once it holds', async () => {
  const { withdrawal, listen, standing } = await withdrawals();
  await withdrawal.suspend(BATCH, 'SEC-7').durable;
  const heard = listen(BATCH.id, 'key-1');
  const resumed = withdrawal.resume(BATCH);
  expect([heard.length, standing.isSuspended(BATCH.id)]).toEqual([0, true]);
  await resumed;
  expect([heard, standing.isSuspended(BATCH.id)]).toEqual([[{ type: 'state', seq: 1, state: 'active' }], false]);
});

test('leases that are asked to rotate stay good, and the next request gets a new one', async () => {
  const { get, withdrawal, listen, standing } = await withdrawals();
  const first = await get();
  const heard = listen(BATCH.id, 'key-1');
  withdrawal.rotate([first.lease]);
  expect(heard).toEqual([{ type: 'rotate', seq: 1, leases: [first.lease.id] }]);
  expect([first.lease.revoked, standing.size]).toEqual([false, 0]);
  expect(await get()).toMatchObject({ source: 'minted', replaced: first.lease });
});

test('a lease that is asked to rotate says that its time has come: who is given it again asks again', async () => {
  const { get, withdrawal, time } = await withdrawals();
  const { lease } = await get();
  expect(lease.rotateAtMs).toBeGreaterThan(time.nowMs());
  withdrawal.rotate([lease]);
  expect(lease.rotateAtMs).toBe(time.nowMs());
});

describe('holders that let go', () => {
  test('of more tokens than the list has room for are told to wait, and what they hold stays as it is', async () => {
    const { get, withdrawal, standing, time } = await withdrawals();
    const letGo = (lease: Lease) =>
      withdrawal.letGo({ leaseId: lease.id, identity: lease.key.identity, exp: expOf(lease) }, lease);
    for (const jkt of ['a', 'b', 'c']) {
      const { lease } = await get(jkt);
      await letGo(lease).durable;
    }
    // An expired one is listed for as long again as it has lived.
    time.advance(1_799_000);
    const { lease } = await get('d');
    expect(() => letGo(lease)).toThrow(expect.objectContaining({ code: 'rate_limited', retryAfterMs: 60_000 }));
    expect([lease.revoked, standing.revocations().length]).toEqual([false, 3]);
    time.advance(2000);
    await letGo(lease).durable;
    expect([lease.revoked, standing.revocations().length]).toEqual([true, 1]);
  });

  test('of a certificate whose tokens the list has no room for are told to wait', async () => {
    const { get, withdrawal } = await withdrawals();
    const { certificate, tokens } = await certified(get, 4);
    const letGo = () =>
      withdrawal.letGo({ leaseId: certificate.id, identity: BATCH.id, exp: expOf(certificate) }, certificate);
    expect(letGo).toThrow(expect.objectContaining({ code: 'rate_limited' }));
    expect([certificate, ...tokens].some(({ revoked }) => revoked)).toBe(false);
  });

  test('of a token of an earlier run have it listed until it ends, and no longer', async () => {
    const { withdrawal, standing, now } = await withdrawals();
    await withdrawal.letGo({ leaseId: 'ls_earlier', identity: BATCH.id, exp: now() + 60 }, undefined).durable;
    expect(standing.revocations()).toEqual([{ kind: 'jti', value: 'ls_earlier', until: now() + 60 }]);
  });

  test('take no room from another identity, nor from operators', async () => {
    const { get, withdrawal, standing } = await withdrawals();
    const mine = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((jkt) => get(jkt)));
    const theirs = await get('f', { identity: OTHER.id });
    const { leases: ended, durable } = withdrawal.letGoAll([...mine, theirs].map(({ lease }) => lease));
    await durable;
    expect(ended.map(({ key }) => key.jkt)).toEqual(['a', 'b', 'c', 'f']);
    expect(mine.map(({ lease }) => lease.revoked)).toEqual([true, true, true, false, false]);
    await withdrawal.revokeLeases(mine.map(({ lease }) => lease)).durable;
    expect(standing.size).toBe(6);
  });
});
