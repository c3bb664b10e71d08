import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { KEY_PERIOD_MS, startKeyRotation } from '../../src/issuer/key-rotation.ts';
import { openLocalSigner } from '../../src/issuer/local-signer.ts';
import { manualTime, type ManualTime } from '../manual-time.ts';

const HOUR_MS = 3_600_000;
let folder: string;
let time: ManualTime;
const opened = () =>
  openLocalSigner({
    issuer: 'https://issuer.example',
    path: join(folder, 'keys.json'),
    clock: time,
    maxLifetimeMs: HOUR_MS,
  });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tallystick-keys-'));
  time = manualTime();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a key that has signed for its period is replaced by the one that was published before', async () => {
  const signer = await opened();
  const [, next] = signer.keys();
  const [recorded, rotated]: [string[], string[]] = [[], []];
  const schedule = startKeyRotation({
    signers: () => [signer],
    clock: time,
    timers: time,
    record: async ({ kid }) => void recorded.push(kid),
    rotated: ({ kid }) => rotated.push(kid),
    failed: (error) => {
      throw error;
    },
  });
  time.advance(HOUR_MS);
  await Promise.resolve();
  expect(rotated).toEqual([]);
  time.jump(KEY_PERIOD_MS - HOUR_MS);
  time.advance(HOUR_MS);
  await vi.waitFor(() => expect(rotated).toEqual([next!.kid]));
  expect([signer.currentKid(), recorded]).toEqual([next!.kid, [next!.kid]]);
  schedule.stop();
});

test('the period counts from when the key began to sign, also over a restart', async () => {
  await (await opened()).rotate(async () => {});
  time.jump(1000);
  const signer = await opened();
  expect(time.nowMs() - signer.currentSinceMs()).toBe(1000);
});

test('a rotation that fails is told, and tried again an hour later', async () => {
  const failed: unknown[] = [];
  let tries = 0;
  const schedule = startKeyRotation({
    signers: () => [{ currentSinceMs: () => 0, rotate: () => Promise.reject(new Error(`try ${++tries}`)) }],
    clock: time,
    timers: time,
    record: () => Promise.resolve(),
    rotated: () => {},
    failed: (error) => failed.push(error),
  });
  for (let hour = 1; hour <= 2; hour++) {
    await vi.waitFor(() => expect(time.waiting).toBe(1));
    time.advance(HOUR_MS);
    await vi.waitFor(() => expect(failed).toHaveLength(hour));
  }
  schedule.stop();
  expect(time.waiting).toBe(0);
});

test('one key that cannot be rotated keeps no other from it', async () => {
  const [failed, rotated]: [unknown[], string[]] = [[], []];
  const stuck = { currentSinceMs: () => 0, rotate: () => Promise.reject(new Error('not published yet')) };
  const signer = await opened();
  const schedule = startKeyRotation({
    signers: () => [stuck, signer],
    clock: time,
    timers: time,
    record: async () => {},
    rotated: ({ kid }) => rotated.push(kid),
    failed: (error) => failed.push(error),
  });
  time.jump(KEY_PERIOD_MS);
  time.advance(HOUR_MS);
  await vi.waitFor(() => expect(rotated).toEqual([signer.currentKid()]));
  expect(failed).toHaveLength(1);
  schedule.stop();
});
