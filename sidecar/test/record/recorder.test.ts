import { appendFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, isUlid, systemRandom, type Json } from '@tallystick/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Recorder, RecordInput } from '../../src/record/record.ts';
import { MAX_RECORD_BYTES, openRecorder, type RecorderOptions } from '../../src/record/recorder.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';
import { manualTime } from '../manual-time.ts';
import { memoryFile, turns } from './memory-file.ts';

const SIDECAR = '01KAMZ3CT000000000000000AA';

async function open(folder: string, options: Partial<RecorderOptions> = {}): Promise<Recorder> {
  const recorder = await openRecorder({
    folder,
    trustDomain: 'acme.example',
    sidecarId: SIDECAR,
    clock: manualTime(),
    random: systemRandom,
    onFailure: () => {},
    ...options,
  });
  onTestFinished(() => recorder.close().catch(() => {}));
  return recorder;
}

const stopped = (cause = 'signal'): RecordInput<'sidecar.stopped'> => ({
  type: 'sidecar.stopped',
  actor: 'sidecar',
  owner: null,
  process: null,
  registry: { root: 'root', entry: null },
  lease: null,
  outcome: 'success',
  reason: null,
  trace: null,
  body: { cause },
});

/** Every line of a folder's records, in the order of the files' names. */
async function linesOf(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.join('').split('\n').slice(0, -1);
}
const newest = async (folder: string): Promise<string> => join(folder, (await readdir(folder)).sort().at(-1)!);

describe('a record', () => {
  test('is one line of canonical JSON with the envelope of the log', async () => {
    const folder = temporaryFolder();
    const recorder = await open(folder);
    const ref = await recorder.append(stopped());
    const [line] = await linesOf(folder);
    const record = JSON.parse(line!) as Record<string, Json>;
    expect(line).toBe(canonicalJson(record));
    expect(record).toEqual({
      v: 1,
      origin: `acme.example/${SIDECAR}/0/0`,
      id: ref.id,
      seq: 0,
      time: '2026-11-22T12:00:00.250Z',
      clock: null,
      boot: expect.toSatisfy(isUlid) as string,
      corr: null,
      refs: [],
      ...stopped(),
    });
    expect(ref).toEqual({ id: expect.toSatisfy(isUlid) as string, seq: 0, origin: recorder.origin });
  });

  test('is not on disk until the disk says so, and nobody is told before', async () => {
    const file = memoryFile();
    const recorder = await open(temporaryFolder(), { createFile: async () => file });
    let told = false;
    void recorder.append(stopped()).then(() => (told = true));
    await turns();
    expect([told, recorder.pending]).toEqual([false, 1]);
    await file.end();
    expect([told, recorder.pending]).toEqual([true, 0]);
    file.run();
  });

  test('counts up, in the order of the appends', async () => {
    const folder = temporaryFolder();
    const recorder = await open(folder);
    const refs = await Promise.all(Array.from({ length: 200 }, () => recorder.append(stopped())));
    expect(refs.map(({ seq }) => seq)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect((await linesOf(folder)).map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(
      refs.map(({ id }) => id),
    );
  });

  test('that cannot be written takes no number', async () => {
    const folder = temporaryFolder();
    const recorder = await open(folder);
    await recorder.append(stopped());
    await expect(recorder.append(stopped('x'.repeat(MAX_RECORD_BYTES)))).rejects.toMatchObject({
      code: 'record_unavailable',
    });
    await expect(recorder.append(stopped('\ud800'))).rejects.toThrow(TypeError);
    expect((await recorder.append(stopped())).seq).toBe(1);
    expect(recorder.isWritable()).toBe(true);
  });

  test('after a failure is refused, and readiness says so', async () => {
    const file = memoryFile();
    const failures: unknown[] = [];
    const recorder = await open(temporaryFolder(), {
      createFile: async () => file,
      onFailure: (error) => failures.push(error),
    });
    const first = recorder.append(stopped());
    await turns();
    void file.end(new Error('ENOSPC'));
    await expect(first).rejects.toMatchObject({ code: 'record_unavailable' });
    await expect(recorder.append(stopped())).rejects.toMatchObject({ code: 'record_unavailable' });
    expect([recorder.isWritable(), failures.length]).toEqual([false, 1]);
    file.run();
  });
});

describe('over a restart', () => {
  test('the sequence goes on, in a file of its own', async () => {
    const folder = temporaryFolder();
    const seqs: number[] = [];
    for (let boot = 0; boot < 5; boot++) {
      const recorder = await open(folder);
      for (let i = 0; i < boot; i++) seqs.push((await recorder.append(stopped())).seq);
      await recorder.close();
    }
    expect(seqs).toEqual(Array.from({ length: 10 }, (_, i) => i));
    const lines = (await linesOf(folder)).map((line) => JSON.parse(line) as { seq: number; boot: string });
    expect(lines.map(({ seq }) => seq)).toEqual(seqs);
    expect(new Set(lines.map(({ boot }) => boot)).size).toBe(4);
    expect(await readdir(folder)).toHaveLength(5);
  });

  test('it goes on when the clock has gone back', async () => {
    const folder = temporaryFolder();
    const time = manualTime();
    for (let boot = 0; boot < 3; boot++) {
      const recorder = await open(folder, { clock: time });
      expect((await recorder.append(stopped())).seq).toBe(boot);
      await recorder.close();
      time.jump(-600_000);
    }
  });

  test('a torn last line was never acknowledged: its number is given again, and the file is left alone', async () => {
    const folder = temporaryFolder();
    const first = await open(folder);
    await first.append(stopped());
    await first.append(stopped());
    await first.close();
    const path = await newest(folder);
    const whole = await readFile(path);
    for (const cut of [1, 2, 100, whole.length / 2 - 1]) {
      await writeFile(path, whole.subarray(0, whole.length - cut));
      const recorder = await open(folder);
      expect((await recorder.append(stopped())).seq).toBe(1);
      await recorder.close();
      expect((await readFile(path)).length).toBe(whole.length - cut);
      await rm(await newest(folder));
    }
  });

  test('a last line after which blocks were never written is found', async () => {
    const folder = temporaryFolder();
    const first = await open(folder);
    for (let i = 0; i < 3; i++) await first.append(stopped());
    await first.close();
    await appendFile(await newest(folder), Buffer.alloc(1_000_000));
    const second = await open(folder);
    expect((await second.append(stopped())).seq).toBe(3);
  });

  test('a file without a whole line is passed over for the one before it', async () => {
    const folder = temporaryFolder();
    const first = await open(folder);
    for (let i = 0; i < 3; i++) await first.append(stopped());
    await first.close();
    for (const text of ['', '{"seq":99']) {
      const empty = await open(folder);
      await empty.close();
      await writeFile(await newest(folder), text);
    }
    expect((await (await open(folder)).append(stopped())).seq).toBe(3);
  });

  test('a large file is read at its end alone', async () => {
    const folder = temporaryFolder();
    const path = join(folder, `records-000000000000-${SIDECAR}.jsonl`);
    // Sparse: 3 GiB, more than a string or one read may hold.
    await writeFile(path, '');
    await truncate(path, 3 * 2 ** 30);
    await appendFile(path, '\n{"seq":41}\n');
    expect((await (await open(folder)).append(stopped())).seq).toBe(42);
  });

  test.each(['not a record\n', '{"seq":"7"}\n', '{"seq":-1}\n', '{"seq":1.5}\n', '[]\n', '\n'])(
    'a whole last line that is no record stops the start: %j',
    async (line) => {
      const folder = temporaryFolder();
      await writeFile(join(folder, `records-000000000000-${SIDECAR}.jsonl`), `{"seq":6}\n${line}`);
      await expect(open(folder)).rejects.toMatchObject({ code: 'state_unusable' });
      expect(await readdir(folder)).toHaveLength(1);
    },
  );

  test('files of other names are not looked at', async () => {
    const folder = temporaryFolder();
    for (const name of ['FORMAT', 'LOCK', 'records-1.jsonl', 'records-000000000000-x.jsonl.bak']) {
      await writeFile(join(folder, name), '{"seq":99}\n');
    }
    expect((await (await open(folder)).append(stopped())).seq).toBe(0);
  });
});

test('a folder that cannot be written stops the start', async () => {
  await expect(open(join(temporaryFolder(), 'missing'))).rejects.toMatchObject({ code: 'state_unusable' });
  const full = open(temporaryFolder(), {
    createFile: () => Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' })),
  });
  await expect(full).rejects.toMatchObject({ code: 'state_unusable' });
});
