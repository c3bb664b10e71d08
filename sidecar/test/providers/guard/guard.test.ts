import { TallystickError } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import { FAILURES_TO_OPEN } from '../../../src/providers/guard/breaker.ts';
import { guard, type GuardOptions, type ProviderCall } from '../../../src/providers/guard/guard.ts';
import { NotSent } from '../../../src/providers/not-sent.ts';
import { OwnSecretMissing } from '../../../src/providers/own-secret-missing.ts';
import type { Made, MintOrder, Provider } from '../../../src/providers/provider.ts';
import { UpstreamProofRequired } from '../../../src/providers/upstream-proof-required.ts';
import { identity } from '../../acme.ts';
import { manualTime } from '../../manual-time.ts';
import { memoryLog } from '../../memory-log.ts';

/** A call that the upstream has not answered. */
interface OpenCall {
  readonly order: MintOrder;
  readonly answer: (made?: Partial<Made>) => void;
  readonly fail: (error: unknown) => void;
}

const MADE: Made = { material: { username: 'u', password: 'p' }, expiresAtMs: 1, handles: {}, handle: 'h' };

function guarded(options: Partial<GuardOptions> & { provider?: Partial<Provider> } = {}) {
  const time = manualTime();
  const calls: OpenCall[] = [];
  const seen: ProviderCall[] = [];
  const kept: string[] = [];
  const stop = new AbortController();
  const log = memoryLog();
  const provider: Provider = {
    mint: (order) =>
      new Promise((resolve, reject) => {
        calls.push({ order, answer: (made) => resolve({ ...MADE, ...made }), fail: reject });
      }),
    end: async () => 'revoked',
    check: async () => [],
    close: async () => {},
    ...options.provider,
  };
  const { provider: _, ...others } = options;
  const one = guard(provider, {
    name: 'vault-eu',
    clock: time,
    timers: time,
    random: { uniform: () => 0.5 },
    fleetSize: () => 1,
    observe: (call, run) => {
      seen.push(call);
      return run();
    },
    log,
    ...others,
  });
  const orderOf = (name: string, who = 'close-batch'): MintOrder => ({
    leaseId: `ls_${name}`,
    name,
    wanted: {},
    scope: [],
    lifetimeMs: 60_000,
    identity: identity(who),
    process: undefined,
    applicant: { jkt: 'key' },
    keep: async (handle) => void kept.push(handle),
    signal: stop.signal,
  });
  const mint = (name = 'ledger-db', who?: string): Promise<Made> => {
    const made = one.mint(orderOf(name, who));
    made.catch(() => {});
    return made;
  };
  /** Mints, and has the upstream fail; on another path each time, so that none is held off. */
  let paths = 0;
  const fail = async (error: unknown): Promise<unknown> => {
    const made = mint(`path-${paths++}`);
    await turn();
    calls.at(-1)!.fail(error);
    return made.catch((thrown: unknown) => thrown);
  };
  return { one, time, calls, seen, kept, stop, log, mint, fail, orderOf };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const away = (retryAfterMs?: number) =>
  new TallystickError('upstream_unavailable', 'away', retryAfterMs === undefined ? {} : { retryAfterMs });

describe('an upstream that does not serve', () => {
  test.each(['upstream_unavailable', 'upstream_rate_limited', 'upstream_sealed', 'upstream_login_refused'] as const)(
    'is not asked any more after five failures in a row: %s',
    async (code) => {
      const { fail, mint, calls, one } = guarded();
      for (let i = 0; i < 5; i++) await fail(new TallystickError(code, 'no'));
      await expect(mint()).rejects.toMatchObject({ code: 'upstream_unavailable', retryable: true });
      expect(await mint().catch((error: TallystickError) => error.retryAfterMs)).toBeGreaterThanOrEqual(100);
      await expect(mint()).rejects.toBeInstanceOf(NotSent);
      expect(calls).toHaveLength(5);
      expect(one.status()).toMatchObject({ reachable: false, breaker: 'open', lastError: code });
    },
  );

  test.each(['upstream_failed', 'upstream_denied', 'upstream_answer_invalid'] as const)(
    'is told from one that fails at some credentials, however many: %s',
    async (code) => {
      const { fail, mint, calls, one } = guarded();
      for (let i = 0; i < 50; i++) await fail(new TallystickError(code, 'no'));
      void mint();
      await turn();
      expect(calls).toHaveLength(51);
      expect(one.status()).toMatchObject({ reachable: true, breaker: 'closed', lastError: code });
    },
  );

  test('says so before an intent is put on record', async () => {
    const { fail, one, orderOf } = guarded();
    for (let i = 0; i < 5; i++) await fail(away());
    await expect(one.requireApplicant!(orderOf('ledger-db'))).rejects.toMatchObject({ code: 'upstream_unavailable' });
  });

  test('is told of once in the log, and once when it serves again, however many probes failed', async () => {
    const { fail, mint, time, calls, log } = guarded();
    for (let i = 0; i < 5; i++) await fail(away());
    for (let i = 0; i < 3; i++) {
      time.advance(300_000);
      await fail(away());
    }
    time.advance(300_000);
    const made = mint();
    await turn();
    calls.at(-1)!.answer();
    await made;
    expect(log.lines.map(({ level, message, provider, code }) => [level, message, provider, code])).toEqual([
      ['warn', 'an upstream does not serve and is left alone', 'vault-eu', 'upstream_unavailable'],
      ['info', 'an upstream serves again', 'vault-eu', undefined],
    ]);
  });

  test('is left alone for as long as it asks', async () => {
    const { fail, mint, time, calls } = guarded();
    await fail(new TallystickError('upstream_rate_limited', 'slow down', { retryAfterMs: 40_000 }));
    time.advance(39_999);
    await expect(mint()).rejects.toMatchObject({ code: 'upstream_unavailable' });
    time.advance(1000);
    void mint();
    await turn();
    expect(calls).toHaveLength(2);
  });

  test('sends away those that wait for room', async () => {
    const { mint, calls } = guarded({ atOnce: 5 });
    const made = Array.from({ length: 20 }, (_, i) => mint(`path-${i}`));
    await turn();
    for (const call of calls) call.fail(away());
    const outcomes = await Promise.allSettled(made);
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(calls).toHaveLength(5);
  });

  test('is probed by one call, and met by few at first when it is back', async () => {
    const { fail, mint, time, calls, one } = guarded();
    for (let i = 0; i < 5; i++) await fail(away());
    time.advance(2000);
    const probe = mint('a');
    await turn();
    await expect(mint('b')).rejects.toMatchObject({ code: 'upstream_unavailable' });
    calls[5]!.answer();
    await probe;
    expect(one.status()).toMatchObject({ reachable: true, breaker: 'closed', lastError: undefined, successAgeMs: 0 });
    for (let i = 0; i < 50; i++) void mint(`c-${i}`);
    const sizes: number[] = [];
    for (let from = 6; calls.length > from || sizes.length === 0;) {
      await turn();
      const batch = calls.slice(from);
      if (batch.length === 0) break;
      sizes.push(batch.length);
      from = calls.length;
      for (const call of batch) call.answer();
      await turn();
    }
    // The probe itself went well, so two: then each that goes well makes room for one more, up to sixteen.
    expect(sizes.slice(0, 4)).toEqual([2, 4, 8, 16]);
    expect(Math.max(...sizes)).toBe(16);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(50);
  });
});

describe('an upstream that answers', () => {
  test.each(['upstream_denied', 'upstream_not_found', 'upstream_answer_invalid', 'upstream_unbound'] as const)(
    'is asked on for others, however often it says %s to one',
    async (code) => {
      const { fail, mint, calls, one } = guarded();
      for (let i = 0; i < 20; i++) await fail(new TallystickError(code, 'no'));
      expect(one.status()).toMatchObject({ reachable: true, breaker: 'closed', lastError: code });
      void mint();
      await turn();
      expect(calls).toHaveLength(21);
    },
  );

  test('with a refusal is not asked for the same again at once, but for the same by another identity', async () => {
    const { mint, calls, time } = guarded();
    const denied = mint();
    await turn();
    calls[0]!.fail(new TallystickError('upstream_denied', 'no policy', { remedy: 'add the line' }));
    await expect(denied).rejects.toMatchObject({ code: 'upstream_denied' });
    await expect(mint()).rejects.toMatchObject({ code: 'upstream_denied', remedy: 'add the line', retryAfterMs: 500 });
    void mint('ledger-db', 'other');
    await turn();
    expect(calls).toHaveLength(2);
    time.advance(500);
    void mint();
    await turn();
    expect(calls).toHaveLength(3);
  });

  test('with many refusals at once makes none wait longer for that', async () => {
    const { mint, calls } = guarded();
    const asked = Array.from({ length: 16 }, () => mint());
    await turn();
    for (const call of calls) call.fail(new TallystickError('upstream_denied', 'no'));
    await Promise.allSettled(asked);
    await expect(mint()).rejects.toMatchObject({ retryAfterMs: 500 });
  });

  test('that something cannot be ended does not keep what else is to be ended, nor the same', async () => {
    const error = new TallystickError('upstream_denied', 'no');
    const { one, stop, seen } = guarded({ provider: { end: () => Promise.reject(error) } });
    for (let i = 0; i < 3; i++) await expect(one.end!('h', stop.signal)).rejects.toBe(error);
    expect(seen).toHaveLength(3);
  });

  test('that an applicant must add something does not keep the next applicant away', async () => {
    const { mint, calls, one } = guarded();
    for (const error of [
      new UpstreamProofRequired('https://as.acme.example/token', 'n'),
      new TallystickError('csr_refused', 'no'),
    ]) {
      const asked = mint();
      await turn();
      calls.at(-1)!.fail(error);
      await expect(asked).rejects.toBe(error);
      expect(one.status().lastError).toBeUndefined();
    }
    void mint();
    await turn();
    expect(calls).toHaveLength(3);
  });
});

test('that another upstream did not give the secret to sign in with says nothing of this one', async () => {
  const { mint, calls, one } = guarded();
  const error = new OwnSecretMissing('upstream_unavailable', '"vault-eu" is away');
  for (let i = 0; i < 2 * FAILURES_TO_OPEN; i++) {
    const asked = mint();
    await turn();
    calls.at(-1)!.fail(error);
    await expect(asked).rejects.toBe(error);
  }
  expect(one.status()).toMatchObject({ breaker: 'closed', reachable: undefined, lastError: undefined });
  expect(calls).toHaveLength(2 * FAILURES_TO_OPEN);
});

describe('a call', () => {
  test('is given up at its deadline, also by a provider that does not heed it, and makes room for the next', async () => {
    const { mint, calls, time } = guarded({ atOnce: 1 });
    const slow = mint('a');
    await turn();
    time.advance(10_000);
    const next = mint('b');
    await turn();
    time.advance(10_000);
    await expect(slow).rejects.toMatchObject({
      code: 'upstream_unavailable',
      message: expect.stringContaining('no answer within 20 s'),
    });
    expect(calls[0]!.order.signal.aborted).toBe(true);
    await turn();
    calls[1]!.answer();
    await next;
  });

  test('that was given up and makes something all the same has it kept, to be ended', async () => {
    const { mint, calls, kept, time } = guarded();
    const slow = mint();
    await turn();
    time.advance(20_000);
    await expect(slow).rejects.toMatchObject({ code: 'upstream_unavailable' });
    calls[0]!.answer({ handle: 'made too late' });
    await turn();
    expect(kept).toEqual(['made too late']);
  });

  test('that waits for room counts that wait in its deadline', async () => {
    const { mint, time, calls } = guarded({ atOnce: 1 });
    void mint('a');
    const waiting = mint('b');
    await turn();
    time.advance(20_000);
    await expect(waiting).rejects.toMatchObject({ code: 'upstream_unavailable' });
    expect(calls).toHaveLength(1);
  });

  test('is cut off when the sidecar stops, which tells nothing of the upstream', async () => {
    const { mint, stop, one } = guarded();
    const made = Array.from({ length: 6 }, (_, i) => mint(`p-${i}`));
    await turn();
    stop.abort(new TallystickError('stopping', 'the sidecar stops'));
    for (const each of made) await expect(each).rejects.toMatchObject({ code: 'stopping' });
    expect(one.status()).toMatchObject({ reachable: undefined, breaker: 'closed', lastError: undefined, calls: 0 });
  });

  test('beyond those that may wait is refused at once', async () => {
    const { mint } = guarded({ atOnce: 1, waiting: 2 });
    for (let i = 0; i < 3; i++) void mint(`p-${i}`);
    await turn();
    await expect(mint('q')).rejects.toMatchObject({ code: 'overloaded', retryAfterMs: 1000 });
  });

  test('for one credential more often than a path may be issued says how long to wait', async () => {
    const { mint, calls, time } = guarded({ issuesPerMinute: 60, issueBurst: 3 });
    for (let i = 0; i < 3; i++) void mint();
    await turn();
    await expect(mint()).rejects.toMatchObject({ code: 'issue_limit', retryAfterMs: 1000 });
    void mint('other');
    time.advance(1000);
    void mint();
    await turn();
    expect(calls).toHaveLength(5);
    await expect(mint()).rejects.toMatchObject({ code: 'issue_limit' });
  });

  test('is told to telemetry once, when the upstream is asked', async () => {
    const { mint, seen, calls, one, stop } = guarded();
    const made = mint();
    await turn();
    calls[0]!.answer();
    await made;
    await one.end!('h', stop.signal);
    expect(seen).toEqual([
      { operation: 'mint', provider: 'vault-eu', leaseId: 'ls_ledger-db' },
      { operation: 'end', provider: 'vault-eu' },
    ]);
  });
});

test('what a provider cannot do, its guard cannot either', () => {
  const { one } = guarded({ provider: { end: undefined as never } });
  expect([one.renew, one.end]).toEqual([undefined, undefined]);
});

test('a check asks now, whatever the breaker says', async () => {
  const { one, fail, stop } = guarded({
    provider: { check: async () => [{ ok: true, what: 'login', message: 'ok' }] },
  });
  for (let i = 0; i < 5; i++) await fail(away());
  expect(await one.check({}, stop.signal)).toHaveLength(1);
});

test('timers and listeners of calls are gone when the calls are', async () => {
  const { mint, calls, time } = guarded();
  const made = Array.from({ length: 16 }, (_, i) => mint(`p-${i}`));
  await turn();
  for (const call of calls) call.answer();
  await Promise.all(made);
  expect(time.waiting).toBe(0);
});
