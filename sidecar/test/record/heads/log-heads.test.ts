import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { generateKeyPairSync } from 'node:crypto';
import { formatCheckpointBody, logSigner, signCheckpoint } from '@tallystick/audit';
import { TallystickError } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import type { OpenedRecorder, OpenRecorderOptions } from '../../../src/record/opened-recorder.ts';
import { temporaryFolder } from '../../listen/temporary-folder.ts';
import { openedRecorder, SIDECAR, stopped } from '../opened-recorder.ts';

/** A log beside its keys, of which copies can be kept and put back. */
function logPlace() {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder, name);
  const [audit, keys] = [at('audit'), at('keys')];
  for (const each of [audit, keys]) mkdirSync(each);
  return {
    open: (options: Partial<OpenRecorderOptions> = {}) => openedRecorder(audit, { keys, ...options }),
    keepCopy: (name: string) => cpSync(audit, at(name), { recursive: true }),
    putBack(name: string) {
      rmSync(audit, { recursive: true });
      cpSync(at(name), audit, { recursive: true });
    },
  };
}

async function grow(recorder: OpenedRecorder, records: number): Promise<string> {
  for (let i = 0; i < records; i++) await recorder.append(stopped());
  return recorder.heads.newest()!;
}

/** Keeps a copy of a log of a few records as `older`, and returns the head that it has after so many more. */
async function headAfterCopy(place: ReturnType<typeof logPlace>, records: number): Promise<string> {
  const first = await place.open();
  await grow(first, 3);
  await first.close();
  place.keepCopy('older');
  const before = await place.open();
  const head = await grow(before, records);
  await before.close();
  return head;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return TallystickError.is(error) ? error.code : String(error);
}

describe('a head that a workload shows again', () => {
  test('is known where the log has grown from it: in this run, published or not, and in a later one', async () => {
    const place = logPlace();
    const first = await place.open();
    const heads = [await grow(first, 1), await grow(first, 300), await grow(first, 1)];
    for (const head of heads) expect(await first.heads.judge(head)).toBe('known');
    await first.close();
    const second = await place.open();
    for (const head of heads) expect(await second.heads.judge(head)).toBe('known');
    expect(second.heads.isContradicted).toBe(false);
    expect(second.isWritable()).toBe(true);
  });

  test('that is beyond the log proves that an older copy was put back: nothing is recorded any more', async () => {
    const place = logPlace();
    const head = await headAfterCopy(place, 300);

    place.putBack('older');
    const failures: TallystickError[] = [];
    const restored = await place.open({ onFailure: (error) => failures.push(error) });
    expect(await codeOf(restored.heads.judge(head))).toBe('record_unavailable');
    expect(await codeOf(restored.append(stopped()))).toBe('record_unavailable');
    expect(await codeOf(restored.heads.judge('anything'))).toBe('record_unavailable');
    expect(restored.isWritable()).toBe(false);
    expect(restored.heads.isContradicted).toBe(true);
    expect(failures).toHaveLength(1);
    expect(failures[0]!.remedy).toContain('tallystick run --new-incarnation REASON');
    await restored.close();

    // The next start knows it, and says what to do; the newest copy may be put back, or a new incarnation begun.
    const refused: unknown = await place.open().catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 'state_unusable',
      message: expect.stringContaining('a workload has shown') as string,
      remedy: expect.stringContaining('--new-incarnation') as string,
    });
    const operator = { uid: 0, loginUid: 1000, tty: null, reason: 'restored from a backup' };
    const next = await place.open({ newIncarnation: operator });
    expect(await next.heads.judge(head)).toBe('older');
    await grow(next, 1);
    await next.close();
    await (await place.open()).close();
  });

  test('of a history that the log has overtaken since proves it too', async () => {
    const place = logPlace();
    const head = await headAfterCopy(place, 2);

    place.putBack('older');
    const restored = await place.open();
    await grow(restored, 600);
    expect(await codeOf(restored.heads.judge(head))).toBe('record_unavailable');
    await restored.close();
    expect(await codeOf(place.open())).toBe('state_unusable');
  });

  test('where the newest copy is put back in the place of the older one, the log goes on', async () => {
    const place = logPlace();
    const head = await headAfterCopy(place, 5);
    place.keepCopy('newest');

    place.putBack('older');
    const restored = await place.open();
    expect(await codeOf(restored.heads.judge(head))).toBe('record_unavailable');
    await restored.close();
    place.putBack('newest');
    const repaired = await place.open();
    expect(await repaired.heads.judge(head)).toBe('known');
    await grow(repaired, 1);
  });

  test('of a later incarnation proves that its folder is gone, by the key that is still here', async () => {
    const place = logPlace();
    const first = await place.open();
    await grow(first, 3);
    await first.close();
    place.keepCopy('older');
    const operator = { uid: 0, loginUid: 1000, tty: null, reason: 'test' };
    const later = await place.open({ newIncarnation: operator });
    const head = await grow(later, 1);
    await later.close();
    place.putBack('older');
    const restored = await place.open();
    expect(await codeOf(restored.heads.judge(head))).toBe('record_unavailable');
  });

  test('stops nobody where this log has not signed it, whatever it says', async () => {
    const place = logPlace();
    const recorder = await place.open();
    const head = await grow(recorder, 5);
    const origin = `acme.example/${SIDECAR}/1/1`;
    const { privateKey } = generateKeyPairSync('ed25519');
    const forged = (name: string, size: number): string =>
      signCheckpoint({ origin: name, size, root: Buffer.alloc(32) }, [logSigner({ name, privateKey })]).toString();
    const texts = [
      '',
      'head',
      formatCheckpointBody({ origin, size: 9999, root: Buffer.alloc(32) }),
      forged(origin, 9999),
      forged(origin, 3),
      forged(origin, 0),
      forged(`acme.example/${SIDECAR}/2/1`, 9999),
      forged(`acme.example/${SIDECAR}/1/2`, 9999),
      forged('acme.example/01KAMZ3CT000000000000000BB/1/1', 9999),
      forged('other.example/x/1/1', 9999),
      head.replace(/^(.*\n)\d+/, '$19999'),
      head.replace(/\n\n/, '\n\n— x AAAAAAAA\n').replace(/^(.*\n)\d+/, '$19999'),
    ];
    for (const text of texts) expect([text, await recorder.heads.judge(text)]).toEqual([text, 'unverifiable']);
    expect(recorder.isWritable()).toBe(true);
    await grow(recorder, 1);
  });

  test('is not judged where a flood of them is: that costs a bounded number of tiles at a time', async () => {
    const place = logPlace();
    const first = await place.open();
    const head = await grow(first, 3);
    await first.close();
    const second = await place.open();
    const verdicts = await Promise.all(Array.from({ length: 40 }, () => second.heads.judge(head)));
    expect(verdicts.filter((verdict) => verdict === 'known').length).toBeGreaterThan(0);
    expect(verdicts).toContain('unjudged');
    expect(await second.heads.judge(head)).toBe('known');
  });
});

test('the head that is shown has every durable record under it', async () => {
  const recorder = await logPlace().open();
  const { seq } = await recorder.append(stopped());
  const [origin, size] = recorder.heads.newest()!.split('\n');
  expect(origin).toBe(recorder.origin);
  expect(Number(size)).toBe(seq + 1);
});
