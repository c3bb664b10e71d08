import { TallystickError } from '@tallystick/core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { answerReader, type GivenToken } from '../../../src/providers/vault/answers.ts';
import { createSessions, type Session, type Sessions } from '../../../src/providers/vault/sessions.ts';
import type { VaultClient } from '../../../src/providers/vault/vault-client.ts';
import { manualTime, type ManualTime } from '../../manual-time.ts';
import { memoryLog, type MemoryLog } from '../../memory-log.ts';

const HOUR_S = 3600;
const denied = new TallystickError('upstream_denied', 'denied');
const away = new TallystickError('upstream_unavailable', 'away');

/** What the next answers of Vault are: how long a token lives, in seconds, or an error. */
let logins: (number | Error)[];
let renewals: (number | Error)[];
let isAlive: boolean;
let asked: string[];
let time: ManualTime;
let log: MemoryLog;
let sessions: Sessions;

beforeEach(() => {
  [logins, renewals, isAlive, asked] = [[], [], true, []];
  time = manualTime();
  log = memoryLog();
  let count = 0;
  const login = async (): Promise<GivenToken> => {
    const ttl = next(logins);
    const name = `token-${++count}`;
    asked.push(`login ${name}`);
    return { token: name, accessor: `of-${name}`, policies: ['tallystick'], ttlMs: ttl * 1000, renewable: true };
  };
  const client: VaultClient = {
    async read(_path, { token }) {
      asked.push(`lookup ${token}`);
      if (!isAlive) throw denied;
      return {};
    },
    async write(path, _body, { token }) {
      asked.push(`${path === 'auth/token/renew-self' ? 'renew' : path} ${token}`);
      return { auth: { client_token: token, lease_duration: next(renewals) } };
    },
  };
  const answers = answerReader('vault-eu');
  sessions = createSessions({ name: 'vault-eu', login, client, answers, clock: time, timers: time, log });
});

/** An hour, unless a test says something else. */
function next(scripted: (number | Error)[]): number {
  const answer = scripted.shift() ?? HOUR_S;
  if (answer instanceof Error) throw answer;
  return answer;
}

const signal = new AbortController().signal;
const current = (leastMs = 60_000): Promise<Session> => sessions.use(leastMs, signal, async (session) => session);
/** Moves the time, and lets what is due come to its end. */
const advance = async (seconds: number): Promise<void> => {
  time.advance(seconds * 1000);
  await new Promise((resolve) => setImmediate(resolve));
};

describe('the token of the sidecar', () => {
  test('is one for all who ask at once', async () => {
    await Promise.all([current(), current(), current()]);
    expect(asked).toEqual(['login token-1']);
  });

  test('is extended at two thirds of its life', async () => {
    await current();
    await advance(2399);
    expect(asked).toEqual(['login token-1']);
    await advance(1);
    expect(asked).toEqual(['login token-1', 'renew token-1']);
    expect((await current()).expiresAtMs).toBe(time.nowMs() + HOUR_S * 1000);
  });

  test('is replaced when Vault extends it no further, and the old one is still extended for what it made', async () => {
    const first = await current();
    renewals.push(1800);
    await advance(2400);
    await advance(1200);
    const second = await current();
    expect(asked).toEqual(['login token-1', 'renew token-1', 'login token-2']);
    expect(second.accessor).not.toBe(first.accessor);
    // It has 600 s left, and can have no more: that is what is promised.
    expect(await sessions.extend(first.accessor, 900_000, signal)).toBe(time.nowMs() + 600_000);
  });

  test('is extended before something is made that would outlive it', async () => {
    await current();
    await advance(1800);
    expect((await current(2_000_000)).expiresAtMs).toBe(time.nowMs() + HOUR_S * 1000);
    expect(asked).toEqual(['login token-1', 'renew token-1']);
  });

  test('is not extended each time for what is to live longer than it ever does', async () => {
    await current(86_400_000);
    await advance(600);
    await current(86_400_000);
    expect(asked).toEqual(['login token-1']);
  });

  test('is tried again while Vault is away, the sooner the less is left', async () => {
    await current();
    renewals.push(away, away);
    await advance(2400);
    await advance(800);
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(2);
    await advance(267);
    expect(asked.filter((each) => each.startsWith('renew'))).toHaveLength(3);
    expect((await current()).expiresAtMs).toBeGreaterThan(time.nowMs() + (HOUR_S - 1) * 1000);
  });

  test('is asked for anew after its end', async () => {
    await current();
    renewals.push(away, away, away, away, away, away, away, away, away);
    for (const seconds of [2400, 800, 267, 200]) await advance(seconds);
    expect((await current()).token).toBe('token-2');
  });

  test('is given up when it has died, and what needs it is run once more by another', async () => {
    await current();
    isAlive = false;
    const run = vi.fn(async ({ token }: Session) => {
      if (token === 'token-1') throw denied;
      return token;
    });
    expect(await sessions.use(60_000, signal, run)).toBe('token-2');
    expect(run).toHaveBeenCalledTimes(2);
  });

  test('is not given up for what it may not do', async () => {
    const run = vi.fn(async () => Promise.reject(denied));
    await expect(sessions.use(60_000, signal, run)).rejects.toBe(denied);
    expect(run).toHaveBeenCalledOnce();
    expect(asked).toEqual(['login token-1', 'lookup token-1']);
  });

  test('is given up when Vault refuses to extend it', async () => {
    await current();
    renewals.push(denied);
    await advance(2400);
    expect((await current()).token).toBe('token-2');
  });

  test('that has ended extends nothing that it made', async () => {
    const { accessor } = await current();
    isAlive = false;
    await expect(
      sessions.use(0, signal, async ({ token }) => {
        if (token === 'token-1') throw denied;
      }),
    ).resolves.toBeUndefined();
    await expect(sessions.extend(accessor, 60_000, signal)).rejects.toMatchObject({ code: 'upstream_not_found' });
  });

  test('that Vault refuses to extend extends nothing that it made', async () => {
    const { accessor } = await current();
    renewals.push(denied);
    await advance(1800);
    await expect(sessions.extend(accessor, 3_000_000, signal)).rejects.toMatchObject({ code: 'upstream_not_found' });
  });

  test('that Vault cannot extend just now is not said to have ended', async () => {
    const { accessor } = await current();
    renewals.push(away);
    await advance(1800);
    await expect(sessions.extend(accessor, 3_000_000, signal)).rejects.toBe(away);
  });

  test('that never ends needs no timer', async () => {
    logins.push(0);
    expect((await current()).expiresAtMs).toBe(Infinity);
    expect(time.waiting).toBe(0);
  });

  test('is let go of with its timer', async () => {
    await current();
    sessions.close();
    expect(time.waiting).toBe(0);
    await expect(current()).rejects.toMatchObject({ code: 'stopping' });
  });

  test('is asked for again by the next, where a login was refused', async () => {
    logins.push(away);
    await expect(current()).rejects.toBe(away);
    expect((await current()).token).toBe('token-1');
  });
});
