import { describe, expect, test } from 'vitest';
import { guard, type GuardOptions } from '../../../src/providers/guard/guard.ts';
import type { Made, MintOrder, Provider } from '../../../src/providers/provider.ts';
import { identity } from '../../acme.ts';
import { manualTime } from '../../manual-time.ts';
import { memoryLog } from '../../memory-log.ts';

const MADE: Made = { material: { username: 'u', password: 'p' }, expiresAtMs: 1, handles: {}, handle: 'h' };

/** An upstream whose answers are the test's, behind a guard. */
function guarded(options: Partial<GuardOptions> = {}, members: Partial<Provider> = {}) {
  const time = manualTime();
  const calls: { readonly who: string; readonly answer: () => void }[] = [];
  const provider: Provider = {
    mint: ({ identity: { id } }) =>
      new Promise((resolve) => {
        calls.push({ who: id.split('/').at(-1)!, answer: () => resolve(MADE) });
      }),
    check: async () => [],
    close: async () => {},
    ...members,
  };
  const one = guard(provider, {
    name: 'vault-eu',
    clock: time,
    timers: time,
    random: { uniform: () => 0.5 },
    fleetSize: () => 1,
    observe: (_call, run) => run(),
    log: memoryLog(),
    ...options,
  });
  const orderOf = (who: string): MintOrder => ({
    leaseId: 'ls_1',
    name: 'ledger-db',
    wanted: {},
    scope: [],
    lifetimeMs: 60_000,
    identity: identity(who),
    process: undefined,
    applicant: { jkt: 'key' },
    keep: async () => {},
    signal: new AbortController().signal,
  });
  const mint = (who: string): Promise<string> =>
    one.mint(orderOf(who)).then(
      () => 'made',
      (error: { code: string }) => error.code,
    );
  return { one, time, calls, mint, orderOf };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('many calls of one identity', () => {
  test('that had to wait for each other do not make an upstream that serves look dead', async () => {
    const { one, time, calls, mint } = guarded();
    const asked = Array.from({ length: 32 }, () => mint('close-batch'));
    await turn();
    expect(calls).toHaveLength(16);
    time.advance(19_900);
    for (const { answer } of calls) answer();
    await turn();
    time.advance(100);
    await turn();
    expect(one.status()).toMatchObject({ breaker: 'closed', reachable: true });
    const other = mint('invoice-agent');
    await turn();
    calls.at(-1)!.answer();
    expect(await other).toBe('made');
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['made', 'overloaded']));
  });

  test('let those of another in between', async () => {
    const { calls, mint } = guarded({ atOnce: 2 });
    for (let i = 0; i < 100; i++) void mint('close-batch');
    void mint('invoice-agent');
    await turn();
    for (let i = 0; i < 2; i++) {
      calls[i]!.answer();
      await turn();
    }
    expect(calls.map(({ who }) => who)).toContain('invoice-agent');
  });

  test('fill the room for those who wait for themselves alone', async () => {
    const { mint, calls } = guarded({ atOnce: 1, waiting: 5 });
    const asked = Array.from({ length: 7 }, () => mint('close-batch'));
    expect(await asked.at(-1)).toBe('overloaded');
    const other = mint('invoice-agent');
    await turn();
    for (let i = 0; calls.length < 7; i++) {
      calls[i]!.answer();
      await turn();
    }
    for (const { answer } of calls) answer();
    expect(await other).toBe('made');
  });
});

test('what is asked before an order is put on record has a deadline too', async () => {
  const { one, time, orderOf } = guarded({}, { requireApplicant: () => new Promise<void>(() => {}) });
  const refused = one.requireApplicant!(orderOf('close-batch'));
  const code = Promise.resolve(refused).catch((error: { code: string }) => error.code);
  await turn();
  time.advance(20_000);
  expect(await code).toBe('upstream_unavailable');
});
