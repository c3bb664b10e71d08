import { TallystickError } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import type { ProviderConfig } from '../../src/config/config.ts';
import { guard } from '../../src/providers/guard/guard.ts';
import type { Provider, ProviderKind } from '../../src/providers/provider.ts';
import { createUpstreams, type UpstreamsConfig } from '../../src/providers/upstreams.ts';
import { manualTime } from '../manual-time.ts';
import { memoryLog } from '../memory-log.ts';

const KIND = { type: 'vault' } as ProviderKind;
const configOf = (settings: Readonly<Record<string, unknown>>, fleetSize = 1): UpstreamsConfig => ({
  credentials: new Map(),
  fleetSize,
  providers: new Map(
    Object.entries(settings).map(([name, each]): [string, ProviderConfig] => [
      name,
      { name, kind: KIND, settings: each },
    ]),
  ),
});

function upstreams(config = configOf({ 'vault-eu': { address: 'a' } })) {
  const time = manualTime();
  const opened: unknown[] = [];
  const closed: unknown[] = [];
  const state = { fails: false };
  const ending = Promise.withResolvers<'revoked'>();
  const own = createUpstreams({
    config,
    async open({ settings }) {
      if (state.fails) throw new TallystickError('upstream_login_refused', 'no token file');
      opened.push(settings);
      return {
        end: () => ending.promise,
        close: async () => void closed.push(settings),
      } as unknown as Provider;
    },
    guard: (name, provider, fleetSize) =>
      guard(provider, {
        name,
        clock: time,
        timers: time,
        random: { uniform: () => 0.5 },
        fleetSize,
        observe: (_call, run) => run(),
        log: memoryLog(),
      }),
  });
  return { own, opened, closed, state, ending };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const none = () => new Set<Provider>();

describe('an upstream', () => {
  test('is opened when it is asked for, once', async () => {
    const { own, opened } = upstreams();
    expect(opened).toEqual([]);
    const [one, other] = await Promise.all([own.get('vault-eu'), own.get('vault-eu')]);
    expect([one === other, opened.length]).toEqual([true, 1]);
  });

  test('that could not be opened is tried again by the next who asks', async () => {
    const { own, opened, state } = upstreams();
    state.fails = true;
    await expect(own.get('vault-eu')).rejects.toMatchObject({ code: 'upstream_login_refused' });
    state.fails = false;
    await own.get('vault-eu');
    expect(opened).toHaveLength(1);
  });

  test('that nobody has asked yet is told of all the same', async () => {
    const { own } = upstreams();
    const unknown = { reachable: undefined, breaker: 'closed', successAgeMs: undefined, calls: 0 };
    expect(own.status()).toMatchObject([{ name: 'vault-eu', type: 'vault', ...unknown }]);
    await own.get('vault-eu');
    expect(own.status()).toMatchObject([{ name: 'vault-eu', type: 'vault', ...unknown }]);
  });
});

describe('a new configuration', () => {
  test('leaves an upstream as it is whose settings are the same', async () => {
    const { own, opened } = upstreams();
    const before = await own.get('vault-eu');
    expect(own.apply(configOf({ 'vault-eu': { address: 'a' }, other: {} }))).toEqual(new Set());
    expect([await own.get('vault-eu'), opened.length]).toEqual([before, 1]);
  });

  test('opens one anew whose settings changed, and closes it as it was only when nothing is left of it', async () => {
    const { own, opened, closed } = upstreams();
    const before = await own.get('vault-eu');
    expect(own.apply(configOf({ 'vault-eu': { address: 'b' } }))).toEqual(new Set([before]));
    expect(await own.get('vault-eu')).not.toBe(before);
    expect(opened).toEqual([{ address: 'a' }, { address: 'b' }]);
    for (let i = 0; i < 3; i++) own.closeUnused(() => new Set([before]));
    expect(closed).toEqual([]);
    own.closeUnused(none);
    expect(closed).toEqual([]);
    own.closeUnused(none);
    await turn();
    expect(closed).toEqual([{ address: 'a' }]);
  });

  test('closes none that a call is under way at', async () => {
    const { own, closed, ending } = upstreams();
    const before = await own.get('vault-eu');
    const ended = own.within((signal) => before.end!('h', signal));
    await turn();
    own.apply(configOf({}));
    for (let i = 0; i < 3; i++) own.closeUnused(none);
    await turn();
    expect(closed).toEqual([]);
    ending.resolve('revoked');
    await ended;
    for (let i = 0; i < 3; i++) own.closeUnused(none);
    await turn();
    expect(closed).toEqual([{ address: 'a' }]);
  });

  test('without an upstream has nobody ask it any more', async () => {
    const { own } = upstreams();
    own.apply(configOf({}));
    await expect(own.get('vault-eu')).rejects.toMatchObject({ code: 'upstream_unavailable' });
    expect(own.status()).toEqual([]);
  });
});

test('a stop cuts off what is under way, and lets go of all, those of earlier configurations too', async () => {
  const { own, closed } = upstreams();
  const before = await own.get('vault-eu');
  own.apply(configOf({ 'vault-eu': { address: 'b' } }));
  await own.get('vault-eu');
  const ended = own.within((signal) => before.end!('h', signal));
  ended.catch(() => {});
  await turn();
  await own.close();
  await expect(ended).rejects.toMatchObject({ code: 'stopping' });
  expect(closed.length).toBe(2);
});
