import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { TallystickError } from '@tallystick/core';
import { bodyHash } from '@tallystick/dpop';
import { createOneTimeKey, formatCredentialRequest } from '@tallystick/protocol';
import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import type { Config, ProviderConfig } from '../../src/config/config.ts';
import { SWEEP_MS } from '../../src/lease/liveness.ts';
import { GRACE_MS } from '../../src/lease/upstream-orphans.ts';
import type { ProviderKind } from '../../src/providers/provider.ts';
import { openUpstreamLeases, type UpstreamLease } from '../../src/state/upstream-leases.ts';
import { configOf, entitled, identity } from '../acme.ts';
import { holder, type Holder } from '../api/holder.ts';
import { serveSidecar, type ServeOptions } from '../api/served-sidecar.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';
import { START_MS } from '../manual-time.ts';
import { guarded } from '../providers/guarded-upstreams.ts';
import { upstreamCredential } from '../providers/test-provider.ts';

const BATCH = 'spiffe://acme.example/close-batch';
const HOUR = 3_600_000;
const KIND = { type: 'test' } as ProviderKind;
const DB = upstreamCredential('ledger-db', { lifetimeMs: HOUR });
const away = (): TallystickError => new TallystickError('upstream_unavailable', 'away');

function config(settings: unknown = { address: 'a' }, members: Parameters<typeof identity>[1] = {}): Config {
  const provider: ProviderConfig = { name: 'test-db', kind: KIND, settings };
  const batch = identity('close-batch', { entitlements: [entitled('ledger-db')], ...members });
  return { ...configOf([batch], [DB]), providers: new Map([['test-db', provider]]) };
}

/** A sidecar whose upstream is in memory, behind the real guard. */
async function served(options: Omit<ServeOptions, 'upstreams'> = {}) {
  const own = await serveSidecar({ config: config(), ...options, upstreams: guarded(options.config ?? config()) });
  const outcomes = () =>
    own.recorder.records.flatMap(({ type, lease, body }) =>
      type === 'credential.outcome' ? [[lease, (body as { status: string }).status]] : [],
    );
  /** What the next run would find. */
  const left = async (): Promise<readonly string[]> => {
    // Of a copy: to open it is to write it anew, and this run is not over.
    const folder = temporaryFolder();
    cpSync(join(own.folder, 'upstream-leases.jsonl'), join(folder, 'upstream-leases.jsonl'));
    return (await openUpstreamLeases(folder, own.time)).earlier.map(({ leaseId }) => leaseId);
  };
  return { ...own, outcomes, left };
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
};

/** Returns the id of the lease of the login, or the code of the refusal. */
async function login(who: Holder): Promise<string> {
  const key = createOneTimeKey();
  const body = formatCredentialRequest({ type: 'database', sealTo: key.jwk });
  const path = '/v1/credentials/ledger-db';
  for (;;) {
    const headers = { 'content-type': 'application/json', dpop: who.prove('POST', path, { bth: bodyHash(body) }) };
    const { status, json } = await who.send('POST', path, { headers, body });
    if (status === 200) return decodeJwt(key.open(json.sealed as string)).lease_id as string;
    if (json.code !== 'use_dpop_nonce') return json.code as string;
  }
}

describe('after a crash', () => {
  const LEFT: UpstreamLease = {
    leaseId: 'ls_01KAMZ3CT000000000000000AA',
    identity: BATCH,
    intent: 'record-of-the-earlier-run',
    provider: 'test-db',
    handle: 'left behind',
    untilMs: START_MS + HOUR,
  };

  test('what is left upstream is ended when holders have had time to ask again, and that is on record', async () => {
    const { time, upstream, recorder, left } = await served({ left: [LEFT] });
    time.advance(GRACE_MS - 1);
    await settle();
    expect(upstream.ended).toEqual([]);
    time.advance(1);
    await settle();
    expect(upstream.ended).toEqual(['left behind']);
    expect(recorder.only('credential.outcome')).toMatchObject({
      actor: BATCH,
      lease: LEFT.leaseId,
      corr: LEFT.intent,
      outcome: 'success',
      body: { status: 'revoked', provider: 'test-db' },
    });
    await expect.poll(left).toEqual([]);
  });

  test('what cannot be ended is found again by the run after', async () => {
    const { time, upstream, sidecar, left } = await served({ left: [LEFT] });
    upstream.ending = () => Promise.reject(away());
    time.advance(GRACE_MS);
    await settle();
    await sidecar.stop();
    expect(await left()).toEqual([LEFT.leaseId]);
  });

  test('a handle that this run has come to use is not ended under its holders', async () => {
    const { time, upstream, workload, left } = await served({ left: [LEFT] });
    upstream.making = async ({ keep }) => {
      await keep('left behind');
      return { handle: 'left behind' };
    };
    const lease = await login(await holder(await workload()));
    time.advance(GRACE_MS + 10_000);
    await settle();
    expect(upstream.ended).toEqual([]);
    expect(await left()).toEqual([lease]);
  });
});

describe('a mint that is cut off', () => {
  test('between what ends it and its outcome leaves what the next run ends', async () => {
    const { upstream, workload, left } = await served();
    const held = Promise.withResolvers<never>();
    upstream.making = () => held.promise;
    const asked = login(await holder(await workload()));
    await expect.poll(() => upstream.orders.length).toBe(1);
    // Here the process would be killed.
    expect(await left()).toEqual([upstream.orders[0]!.leaseId]);
    held.reject(away());
    expect(await asked).toBe('upstream_unavailable');
  });

  test('by its deadline is ended, also where the upstream makes it after that', async () => {
    const { upstream, workload, time, outcomes } = await served();
    const held = Promise.withResolvers<object>();
    upstream.making = () => held.promise;
    const asked = login(await holder(await workload()));
    await expect.poll(() => upstream.orders.length).toBe(1);
    time.advance(20_000);
    expect(await asked).toBe('upstream_unavailable');
    await settle();
    const { leaseId } = upstream.orders[0]!;
    expect(outcomes()).toEqual([
      [leaseId, 'unreachable'],
      [leaseId, 'revoked'],
    ]);
    held.resolve({});
    await expect.poll(() => upstream.ended).toEqual([`handle of ${leaseId}`, `handle of ${leaseId}`]);
  });
});

describe('a lease that nobody has any more', () => {
  test('ends upstream with the process of its last holder, by the sidecar, on record', async () => {
    const { time, upstream, workload, recorder, outcomes, sidecar } = await served();
    const alive = [true, true];
    const [one, other] = await Promise.all(
      [0, 1].map(async (i) => holder(await workload({ isAlive: () => alive[i]! }))),
    );
    const lease = await login(one!);
    expect(await login(other!)).toBe(lease);
    alive[0] = false;
    time.advance(SWEEP_MS);
    await settle();
    expect([upstream.ended, sidecar.table.size]).toEqual([[], 1]);
    alive[1] = false;
    time.advance(SWEEP_MS);
    await settle();
    expect([upstream.ended, sidecar.table.size]).toEqual([[`handle of ${lease}`], 0]);
    expect(recorder.only('credential.revoked')).toMatchObject({
      actor: 'sidecar',
      body: { by: 'sidecar', leases: [lease] },
    });
    expect(outcomes()).toEqual([
      [lease, 'minted'],
      [lease, 'revoked'],
    ]);
  });

  test('because its identity has ended, ends upstream too, which would keep it longer', async () => {
    const { time, upstream, workload } = await served({ config: config({}, { expires: '2026-11-22' }) });
    time.advance(Date.parse('2026-11-22T23:30:00Z') - time.nowMs());
    upstream.making = () => ({ expiresAtMs: time.nowMs() + HOUR });
    const lease = await login(await holder(await workload()));
    time.advance(HOUR / 2);
    for (let i = 0; i < 12; i++) {
      time.advance(5000);
      await settle();
    }
    expect(upstream.ended).toEqual([`handle of ${lease}`]);
  });

  test('whose time is over upstream as well is left alone', async () => {
    const { time, upstream, workload } = await served();
    await login(await holder(await workload()));
    time.advance(HOUR + 60_000);
    await settle();
    expect(upstream.ended).toEqual([]);
  });
});

test('a lease that ended by its own time is forgotten, though it could have been extended for days', async () => {
  const { upstream, workload, time, left } = await served();
  upstream.making = () => ({ renewableUntilMs: time.nowMs() + 700 * HOUR });
  const lease = await login(await holder(await workload()));
  expect(await left()).toEqual([lease]);
  time.advance(HOUR + 60_000);
  await expect.poll(left).toEqual([]);
  expect(upstream.ended).toEqual([]);
});

describe('a new configuration', () => {
  test('with other settings has leases replaced, and closes the provider as it was when they have ended', async () => {
    const { sidecar, upstream, workload, time } = await served();
    let closed = 0;
    upstream.close = async () => void closed++;
    const one = await holder(await workload());
    const first = await login(one);
    await sidecar.apply(config({ address: 'b' }));
    const second = await login(one);
    expect([first === second, upstream.orders.length, upstream.ended]).toEqual([false, 2, []]);
    time.advance(10 * SWEEP_MS);
    expect(closed).toBe(0);
    time.advance(HOUR);
    for (let i = 0; i < 4; i++) time.advance(SWEEP_MS);
    await settle();
    expect(closed).toBe(1);
  });

  test('without the provider ends its leases at once, by the provider as it was', async () => {
    const { sidecar, upstream, workload, left } = await served();
    const lease = await login(await holder(await workload()));
    await sidecar.apply(configOf([identity('close-batch')]));
    await settle();
    expect([upstream.ended, sidecar.table.size]).toEqual([[`handle of ${lease}`], 0]);
    await expect.poll(left).toEqual([]);
  });
});

describe('a stop', () => {
  const stopped = async (revokeOnShutdown: Config['revokeOnShutdown'], isAlive: boolean) => {
    const own = await served({ config: { ...config(), revokeOnShutdown } });
    let alive = true;
    const lease = await login(await holder(await own.workload({ isAlive: () => alive })));
    alive = isAlive;
    await own.sidecar.stop();
    return { ...own, lease };
  };

  test.each([
    ['idle', true, false],
    ['idle', false, true],
    ['always', true, true],
    ['never', false, false],
  ] as const)(
    'that revokes %s, where the holder lives: %s, ends the lease upstream: %s',
    async (revoke, lives, ends) => {
      const { upstream, lease, left } = await stopped(revoke, lives);
      expect(upstream.ended).toEqual(ends ? [`handle of ${lease}`] : []);
      await expect.poll(left).toEqual(ends ? [] : [lease]);
    },
  );

  test('does not wait for an upstream that hangs, and leaves it to the next run', async () => {
    const { sidecar, upstream, workload, time, left } = await served({
      config: { ...config(), revokeOnShutdown: 'always' },
    });
    const lease = await login(await holder(await workload()));
    upstream.ending = () => new Promise(() => {});
    const ended = sidecar.stop();
    await settle();
    time.advance(3000);
    await ended;
    expect(await left()).toEqual([lease]);
  });
});

test('while the upstream is away, requests fail at once and leave no records, and what is good is served on', async () => {
  const { upstream, workload, time, recorder } = await served();
  const one = await holder(await workload());
  const lease = await login(one);
  upstream.making = () => Promise.reject(away());
  time.advance(HOUR / 2 + 400_000);
  for (let i = 0; i < 30; i++) {
    expect(await login(one)).toBe(lease);
    time.advance(1);
  }
  const { length } = recorder.records.filter(({ type }) => type === 'credential.intent');
  expect(length).toBe(2);
  expect(upstream.orders).toHaveLength(2);
  time.advance(HOUR);
  expect(await login(one)).toBe('upstream_unavailable');
});
