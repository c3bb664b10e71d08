import { Secret, TallystickError } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import type { HeldCredential } from '../src/held-credential.ts';
import { CredentialSource } from '../src/credential-source.ts';
import { manualTime, type ManualTime } from './manual-time.ts';

const LIFETIME_MS = 900_000;

/** A source whose sidecar answers when the test says so. */
function bench(time: ManualTime = manualTime()) {
  const asked: {
    background: boolean;
    resolve(held?: HeldCredential): Promise<void>;
    reject(error: unknown): Promise<void>;
  }[] = [];
  let count = 0;
  let stale = false;
  const token = (): HeldCredential => {
    const nowMs = time.clock.monotonicMs();
    const wallMs = time.clock.nowMs();
    const leaseId = `lease-${++count}`;
    return {
      credential: Object.freeze({
        name: 'x',
        type: 'access-token',
        binding: 'dpop',
        delivery: 'plain',
        leaseId,
        rotateAt: new Date(wallMs + LIFETIME_MS / 2),
        expiresAt: new Date(wallMs + LIFETIME_MS),
        token: new Secret(leaseId),
        audience: '',
        scope: '',
      } as const),
      askedAtMs: nowMs,
      refreshAtMs: nowMs + LIFETIME_MS / 2,
      endsAtMs: nowMs + LIFETIME_MS,
      endsAtWallMs: wallMs + LIFETIME_MS,
    };
  };
  const source = new CredentialSource({
    name: 'x',
    runtime: { clock: time.clock, timers: time.timers, random: { bytes: () => new Uint8Array(), uniform: () => 0.5 } },
    ask: (background) =>
      new Promise<HeldCredential>((resolve, reject) => {
        asked.push({
          background,
          resolve: async (held = token()) => (resolve(held), settled()),
          reject: async (error) => (reject(error as Error), settled()),
        });
      }),
    isStale: () => stale,
  });
  const lease = (): string | undefined => source.peek()?.credential.leaseId;
  const first = async (): Promise<HeldCredential> => {
    const obtained = source.obtain();
    await asked.at(-1)!.resolve();
    return obtained;
  };
  return { time, source, asked, token, lease, first, setStale: (value: boolean) => (stale = value) };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const away = (): TallystickError => new TallystickError('sidecar_unavailable', 'away');
const refusal = (): TallystickError => new TallystickError('not_entitled', 'no');

describe('one request for many', () => {
  test('a thousand concurrent first calls ask once, and all get its answer', async () => {
    const { source, asked } = bench();
    const calls = Array.from({ length: 1000 }, () => source.obtain());
    expect(asked).toHaveLength(1);
    await asked[0]!.resolve();
    expect(new Set(await Promise.all(calls)).size).toBe(1);
  });

  test('all who wait get the error of the one request, and the next call asks again', async () => {
    const { source, asked } = bench();
    const calls = Promise.allSettled([source.obtain(), source.obtain()]);
    await asked[0]!.reject(away());
    expect((await calls).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    void source.obtain();
    expect(asked).toHaveLength(2);
  });
});

describe('replaced ahead of expiry while in use', () => {
  test('a use before rotateAt asks for nothing', async () => {
    const { source, asked, time, first } = bench();
    await first();
    time.advance(LIFETIME_MS / 2 - 1);
    source.peek();
    expect(asked).toHaveLength(1);
  });

  test('the first use after rotateAt is served the old token at once, and starts one replacement in the background', async () => {
    const { asked, time, first, lease } = bench();
    await first();
    time.advance(LIFETIME_MS / 2);
    expect([lease(), lease()]).toEqual(['lease-1', 'lease-1']);
    expect(asked.map(({ background }) => background)).toEqual([false, true]);
    await asked[1]!.resolve();
    expect(lease()).toBe('lease-2');
  });

  test('an idle source asks for nothing, ever, and has no timer', async () => {
    const { asked, time, first } = bench();
    await first();
    expect(time.pending).toBe(0);
    time.advance(10 * LIFETIME_MS);
    expect(asked).toHaveLength(1);
  });

  test('after idleness beyond expiry the next use waits for a new token', async () => {
    const { source, asked, time, first } = bench();
    await first();
    time.advance(LIFETIME_MS);
    expect(source.peek()).toBeUndefined();
    expect((await first()).credential.leaseId).toBe('lease-2');
    expect(asked.map(({ background }) => background)).toEqual([false, false]);
  });
});

describe('what has expired before its answer is here', () => {
  test('is given to nobody: it is asked for again', async () => {
    const { source, asked, token, time } = bench();
    const calls = Promise.all([source.obtain(), source.obtain()]);
    const late = token();
    time.advance(LIFETIME_MS);
    await asked[0]!.resolve(late);
    expect(asked).toHaveLength(2);
    await asked[1]!.resolve();
    expect((await calls).map(({ credential }) => credential.leaseId)).toEqual(['lease-2', 'lease-2']);
  });

  test('again and again, is an error that may pass', async () => {
    const { source, asked, token, time } = bench();
    const call = source.obtain().catch((error: unknown) => error);
    for (let round = 0; round < 3; round++) {
      const late = token();
      time.advance(LIFETIME_MS);
      await asked[round]!.resolve(late);
    }
    expect(await call).toMatchObject({ code: 'sidecar_unavailable', retryable: true });
    expect(asked).toHaveLength(3);
  });
});

describe('while the sidecar is away', () => {
  test('a valid token is served, and the sidecar asked with backoff, until it expires', async () => {
    const { asked, time, first, lease, source } = bench();
    await first();
    time.advance(LIFETIME_MS / 2);
    const attempts: number[] = [];
    for (let ms = LIFETIME_MS / 2; ms < LIFETIME_MS - 1; ms += 100) {
      expect(lease()).toBe('lease-1');
      if (asked.length > attempts.length + 1) {
        attempts.push(ms);
        await asked.at(-1)!.reject(away());
      }
      time.advance(100);
    }
    // 0.5 s, 1 s, 2 s, ... up to 150 s: full jitter at its middle.
    const gaps = attempts.slice(1).map((ms, i) => ms - attempts[i]!);
    expect(gaps).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 150_000]);
    time.advance(100);
    expect(source.peek()).toBeUndefined();
  });

  test('Retry-After is waited for, also by those who have no token', async () => {
    const { source, asked, time } = bench();
    const call = source.obtain();
    const limited = new TallystickError('rate_limited', 'slow down', { retryAfterMs: 5000 });
    await expect(Promise.all([call, asked[0]!.reject(limited)])).rejects.toBe(limited);
    await expect(source.obtain()).rejects.toBe(limited);
    time.advance(5000);
    void source.obtain();
    expect(asked).toHaveLength(2);
  });

  test('a request that replaces in the background gives its error to one who joined it', async () => {
    const { source, asked, time, first } = bench();
    await first();
    time.advance(LIFETIME_MS / 2);
    source.peek();
    time.advance(LIFETIME_MS / 2);
    const joined = source.obtain();
    expect(asked).toHaveLength(2);
    await expect(Promise.all([joined, asked[1]!.reject(away())])).rejects.toMatchObject({
      code: 'sidecar_unavailable',
    });
  });
});

describe('never served', () => {
  test('a token that expired by the wall clock alone, as after the machine was suspended', async () => {
    const { source, time, first } = bench();
    await first();
    time.setWall(LIFETIME_MS);
    expect(source.peek()).toBeUndefined();
  });

  test('a token that expired by the monotonic clock alone, as after the wall clock was set back', async () => {
    const { source, time, first } = bench();
    await first();
    time.setWall(-10 * LIFETIME_MS);
    time.advance(LIFETIME_MS);
    expect(source.peek()).toBeUndefined();
  });

  test('a token the sidecar has said nothing about for too long', async () => {
    const { source, setStale, first } = bench();
    await first();
    setStale(true);
    expect(source.peek()).toBeUndefined();
  });

  test('a token whose replacement was refused', async () => {
    const { asked, time, first, lease, source } = bench();
    await first();
    time.advance(LIFETIME_MS / 2);
    lease();
    await asked[1]!.reject(refusal());
    expect(source.peek()).toBeUndefined();
    await expect(source.obtain()).rejects.toMatchObject({ code: 'not_entitled' });
  });

  test('an answer that was on its way when its predecessor was taken away: it is asked for again', async () => {
    const { source, asked, time, first } = bench();
    await first();
    time.advance(LIFETIME_MS);
    const call = source.obtain();
    source.revoke(new TallystickError('credential_revoked', 'gone'));
    await asked[1]!.resolve();
    expect(source.peek()).toBeUndefined();
    expect(asked).toHaveLength(3);
    await asked[2]!.resolve();
    expect((await call).credential.leaseId).toBe('lease-3');
  });

  test('a source whose every answer is overtaken by a revocation gives up', async () => {
    const { source, asked } = bench();
    const overtake = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        source.drop('test');
        await asked[i]!.resolve();
      }
    };
    await expect(Promise.all([source.obtain(), overtake()])).rejects.toMatchObject({ code: 'credential_revoked' });
  });

  test('anything after close()', async () => {
    const { source, first, asked } = bench();
    await first();
    source.close();
    expect(source.peek()).toBeUndefined();
    await expect(source.obtain()).rejects.toMatchObject({ code: 'identity_closed' });
    expect(asked).toHaveLength(1);
  });
});

describe('a refusal', () => {
  test('stands for a second, so that a busy workload does not flood the sidecar', async () => {
    const { source, asked, time } = bench();
    const call = source.obtain();
    await expect(Promise.all([call, asked[0]!.reject(refusal())])).rejects.toMatchObject({ code: 'not_entitled' });
    await expect(source.obtain()).rejects.toMatchObject({ code: 'not_entitled' });
    expect(asked).toHaveLength(1);
    time.advance(1000);
    void source.obtain();
    expect(asked).toHaveLength(2);
  });

  test('keeps its source from being forgotten, which would be a way around it', async () => {
    const { source, asked, time } = bench();
    const call = source.obtain();
    await expect(Promise.all([call, asked[0]!.reject(refusal())])).rejects.toThrow();
    expect(source.isIdle).toBe(false);
    time.advance(1000);
    expect(source.isIdle).toBe(true);
  });

  test('is forgotten when the sidecar says that something changed', async () => {
    const { source, asked } = bench();
    const call = source.obtain();
    await expect(Promise.all([call, asked[0]!.reject(refusal())])).rejects.toThrow();
    source.forgive();
    void source.obtain();
    expect(asked).toHaveLength(2);
  });
});

describe('a token that an API refused as invalid', () => {
  test('is dropped, and its replacement is kept for a minute however often the API refuses it', async () => {
    const { source, time, first } = bench();
    const one = await first();
    expect(source.refused(one)).toBe(true);
    expect(source.peek()).toBeUndefined();
    const two = await first();
    expect(source.refused(two)).toBe(false);
    expect(source.peek()).toBe(two);
    time.advance(60_000);
    expect(source.refused(two)).toBe(true);
  });

  test('is not dropped again when it was replaced meanwhile', async () => {
    const { source, first } = bench();
    const one = await first();
    source.refused(one);
    const two = await first();
    expect(source.refused(one)).toBe(true);
    expect(source.peek()).toBe(two);
  });
});

describe('watched', () => {
  test('it is replaced by a timer, and again after a failure', async () => {
    const { source, asked, time, first } = bench();
    const seen: string[] = [];
    const stop = source.watch({
      replaced: (held) => seen.push(held.credential.leaseId),
      ended: () => seen.push('ended'),
    });
    await first();
    time.advance(LIFETIME_MS / 2);
    await asked[1]!.reject(away());
    time.advance(500);
    await asked[2]!.resolve();
    expect(seen).toEqual(['lease-1', 'lease-2']);
    stop();
    expect(time.pending).toBe(0);
  });

  test('it ends with the error when it is revoked, and asks for nothing more', async () => {
    const { source, asked, time, first } = bench();
    const seen: unknown[] = [];
    source.watch({ replaced: () => {}, ended: (error) => seen.push(error?.code) });
    await first();
    source.revoke(new TallystickError('credential_revoked', 'gone'));
    time.advance(LIFETIME_MS);
    expect(seen).toEqual(['credential_revoked']);
    expect(asked).toHaveLength(1);
  });

  test('dropped and not revoked, it is asked for anew at once', async () => {
    const { source, asked, time, first } = bench();
    source.watch({ replaced: () => {}, ended: () => {} });
    await first();
    source.drop('changed');
    time.advance(0);
    expect(asked).toHaveLength(2);
  });
});
