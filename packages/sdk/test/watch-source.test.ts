import { Secret } from '@tallystick/core';
import { expect, test } from 'vitest';
import { CredentialSource } from '../src/credential-source.ts';
import type { HeldCredential } from '../src/held-credential.ts';
import { watchSource } from '../src/watch.ts';
import { manualTime } from './manual-time.ts';

const LIFETIME_MS = 900_000;

/** A watched source whose sidecar answers when the test says so; its first credential has been seen. */
async function bench() {
  const time = manualTime();
  const asked: (() => void)[] = [];
  let count = 0;
  const held = (): HeldCredential => {
    const [nowMs, wallMs] = [time.clock.monotonicMs(), time.clock.nowMs()];
    return {
      credential: Object.freeze({
        name: 'ledger-db',
        type: 'database',
        binding: 'none',
        delivery: 'sealed',
        leaseId: `lease-${++count}`,
        rotateAt: new Date(wallMs + LIFETIME_MS / 2),
        expiresAt: new Date(wallMs + LIFETIME_MS),
        username: 'u',
        password: new Secret('p'),
      } as const),
      askedAtMs: nowMs,
      refreshAtMs: nowMs + LIFETIME_MS / 2,
      endsAtMs: nowMs + LIFETIME_MS,
      endsAtWallMs: wallMs + LIFETIME_MS,
    };
  };
  const source = new CredentialSource({
    name: 'ledger-db',
    runtime: { clock: time.clock, timers: time.timers, random: { bytes: () => new Uint8Array(), uniform: () => 0.5 } },
    ask: () => new Promise<HeldCredential>((resolve) => asked.push(() => resolve(held()))),
    isStale: () => false,
  });
  const watched = watchSource(source, new AbortController().signal, undefined);
  const answer = async (): Promise<void> => {
    asked.shift()!();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const next = async (): Promise<string | undefined> => (await watched.next()).value?.leaseId;
  const first = next();
  await answer();
  expect(await first).toBe('lease-1');
  time.advance(LIFETIME_MS / 2);
  await answer();
  return { time, source, answer, next };
}

test('a newer credential that has ended before it was asked for is not yielded, but the one after it', async () => {
  const { time, answer, next } = await bench();
  time.advance(LIFETIME_MS);
  const late = next();
  await answer();
  expect(await late).toBe('lease-3');
});

test('a newer credential that was let go of before it was asked for is not yielded, but the one after it', async () => {
  const { time, source, answer, next } = await bench();
  source.drop('released');
  time.advance(0);
  const late = next();
  await answer();
  expect(await late).toBe('lease-3');
});
