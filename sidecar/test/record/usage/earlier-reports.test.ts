import { expect, test } from 'vitest';
import { createEarlierReports, holderName } from '../../../src/record/usage/earlier-reports.ts';
import { OF_THE_LOG } from '../../../src/record/of-the-log.ts';
import type { OpenedRecorder } from '../../../src/record/opened-recorder.ts';
import { temporaryFolder } from '../../listen/temporary-folder.ts';
import { manualTime } from '../../manual-time.ts';
import { openedRecorder, stopped } from '../opened-recorder.ts';

const BATCH = 'spiffe://acme.example/close-batch';
const JKT = 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs';
const LEASE = 'ls_01KAMZ3CT000000000000000AA';

function reported(recorder: OpenedRecorder, report: number, final = false): Promise<{ readonly id: string }> {
  const time = '2026-11-22T12:00:00.000Z';
  const use = { count: 1, first: time, last: time, lease: LEASE, process: null, target: 'https://a.example' };
  return recorder.append({
    ...OF_THE_LOG,
    actor: BATCH,
    type: 'usage.reported',
    body: { final, grade: 'reported', jkt: JKT, report, uses: [use] },
  });
}

async function others(recorder: OpenedRecorder, count: number): Promise<void> {
  const records = Array.from({ length: count }, () => recorder.append(stopped('usage.reported')));
  await Promise.all(records);
}

test('the last report of each holder is found in what the run before has left', async () => {
  const folder = temporaryFolder();
  const first = await openedRecorder(folder);
  await reported(first, 0);
  const { id } = await reported(first, 1, true);
  await others(first, 5000);
  await first.close();
  const second = await openedRecorder(folder);
  const found = await createEarlierReports(second.opened)();
  expect([...found]).toEqual([[holderName(BATCH, JKT), { report: 1, final: true, recordId: id }]]);
});

test('a new log has none, and what this run records is not of an earlier one', async () => {
  const recorder = await openedRecorder(temporaryFolder());
  await reported(recorder, 0);
  expect((await createEarlierReports(recorder.opened)()).size).toBe(0);
});

test('what was recorded long before the end is not looked for: it was answered', async () => {
  const folder = temporaryFolder();
  const clock = manualTime();
  const first = await openedRecorder(folder, { clock });
  await reported(first, 0);
  await others(first, 5000);
  clock.advance(3_600_000);
  await others(first, 5000);
  await first.close();
  const second = await openedRecorder(folder, { clock });
  expect((await createEarlierReports(second.opened)()).size).toBe(0);
});

test('a disk that failed is asked again', async () => {
  let fails = true;
  const log = {
    async *readRecords(): AsyncGenerator<Uint8Array, void, undefined> {
      if (fails) throw new Error('EIO');
      yield* [];
    },
  };
  const earlier = createEarlierReports({ log, origin: 'acme.example/x/1/1', size: 1 });
  await expect(earlier()).rejects.toThrow('EIO');
  fails = false;
  expect((await earlier()).size).toBe(0);
});
