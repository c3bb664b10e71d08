import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openUpstreamLeases, type UpstreamLease } from '../../src/state/upstream-leases.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';
import { manualTime } from '../manual-time.ts';

const time = manualTime();
const lease = (leaseId: string, untilMs = time.nowMs() + 60_000): UpstreamLease => ({
  leaseId,
  identity: 'spiffe://acme.example/close-batch',
  intent: 'record-1',
  provider: 'vault-eu',
  handle: `handle of ${leaseId}`,
  untilMs,
});
const fileOf = (folder: string): string => join(folder, 'upstream-leases.jsonl');
const linesOf = (folder: string): number => readFileSync(fileOf(folder), 'utf8').split('\n').length - 1;
const idsOf = (leases: readonly UpstreamLease[]): readonly string[] => leases.map(({ leaseId }) => leaseId);

describe('what upstreams keep', () => {
  test('is found again by the next run, without what was forgotten or has ended by itself', async () => {
    const folder = temporaryFolder();
    const first = await openUpstreamLeases(folder, time);
    expect(first.earlier).toEqual([]);
    await first.keep(lease('ls_1'));
    await first.keep(lease('ls_2'));
    await first.keep(lease('ls_3', time.nowMs()));
    first.forget('ls_1');
    await first.close();
    const second = await openUpstreamLeases(folder, time);
    expect(second.earlier).toEqual([lease('ls_2')]);
    expect([linesOf(folder), statSync(fileOf(folder)).mode & 0o777]).toEqual([1, 0o600]);
  });

  test('is known by what was kept last', async () => {
    const folder = temporaryFolder();
    const first = await openUpstreamLeases(folder, time);
    await first.keep(lease('ls_1'));
    await first.keep({ ...lease('ls_1'), handle: 'the lease itself', untilMs: time.nowMs() + 90_000 });
    await first.close();
    const { earlier } = await openUpstreamLeases(folder, time);
    expect(earlier).toMatchObject([{ handle: 'the lease itself', untilMs: time.nowMs() + 90_000 }]);
  });

  test('is there when `keep` has resolved, without an end', async () => {
    const folder = temporaryFolder();
    const first = await openUpstreamLeases(folder, time);
    await Promise.all(Array.from({ length: 100 }, (_, i) => first.keep(lease(`ls_${i}`))));
    expect((await openUpstreamLeases(folder, time)).earlier).toHaveLength(100);
    await first.close();
  });

  test('leaves no file where there never was any', async () => {
    const folder = temporaryFolder();
    await (await openUpstreamLeases(folder, time)).close();
    expect(() => statSync(fileOf(folder))).toThrow('ENOENT');
  });
});

describe('a line that was torn', () => {
  test('by a crash never was, and does not spoil what is appended after', async () => {
    const folder = temporaryFolder();
    writeFileSync(fileOf(folder), '{"leaseId":"ls_torn","hand', { mode: 0o600 });
    const second = await openUpstreamLeases(folder, time);
    expect(second.earlier).toEqual([]);
    await second.keep(lease('ls_1'));
    await second.close();
    expect(idsOf((await openUpstreamLeases(folder, time)).earlier)).toEqual(['ls_1']);
  });

  test('by a disk that was full while it ran does not either', async () => {
    const folder = temporaryFolder();
    const first = await openUpstreamLeases(folder, time);
    await first.keep(lease('ls_1'));
    // What a failed write leaves.
    appendFileSync(fileOf(folder), '{"leaseId":"ls_torn","hand');
    await first.keep(lease('ls_2'));
    await first.close();
    expect(idsOf((await openUpstreamLeases(folder, time)).earlier)).toEqual(['ls_1', 'ls_2']);
  });

  test('in the middle is said, and nothing is begun over it', async () => {
    const folder = temporaryFolder();
    writeFileSync(fileOf(folder), '{"leaseId":\n{}\n', { mode: 0o600 });
    await expect(openUpstreamLeases(folder, time)).rejects.toMatchObject({ code: 'state_unusable' });
  });
});

test('the file of a sidecar that makes and ends many stays short', async () => {
  const folder = temporaryFolder();
  const own = await openUpstreamLeases(folder, time, 100);
  await own.keep(lease('ls_stays'));
  let longest = 0;
  for (let i = 0; i < 50; i++) {
    await Promise.all(Array.from({ length: 20 }, (_, n) => own.keep(lease(`ls_${i}_${n}`))));
    for (let n = 0; n < 20; n++) own.forget(`ls_${i}_${n}`);
    longest = Math.max(longest, linesOf(folder));
  }
  await own.keep(lease('ls_last'));
  await own.close();
  expect(longest).toBeLessThan(200);
  expect(idsOf((await openUpstreamLeases(folder, time)).earlier)).toEqual(['ls_stays', 'ls_last']);
});

test('the file cannot be written: nothing is kept, and the next is tried anew', async () => {
  const folder = join(temporaryFolder(), 'gone');
  const own = await openUpstreamLeases(folder, time);
  await expect(own.keep(lease('ls_1'))).rejects.toMatchObject({ code: 'state_unusable' });
  await expect(own.keep(lease('ls_2'))).rejects.toMatchObject({ code: 'state_unusable' });
  await own.close();
});
