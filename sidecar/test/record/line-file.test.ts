import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createDurableFile, createLineFile } from '../../src/record/line-file.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';
import { memoryFile, turns } from './memory-file.ts';

const EIO = Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' });

function lineFile(options?: { running: boolean }) {
  const file = memoryFile(options);
  const failures: unknown[] = [];
  const lines = createLineFile(file, (error) => failures.push(error));
  const settled: string[] = [];
  const append = (line: string): void =>
    void lines.append(line).then(
      () => settled.push(line),
      (error: { code: string }) => settled.push(`${line} ${error.code}`),
    );
  return { file, failures, lines, settled, append };
}

describe('an append', () => {
  test('resolves when it is on the disk, not before', async () => {
    const { file, append, settled } = lineFile();
    append('a');
    await turns();
    expect([file.calls, settled]).toEqual([['append 1'], []]);
    await file.end();
    expect([settled, file.durable]).toEqual([['a'], 'a\n']);
  });

  test('shares a write with those that came while the one before it was under way, in order', async () => {
    const { file, append, settled, lines } = lineFile();
    append('a');
    await turns();
    for (const line of ['b', 'c', 'd']) append(line);
    expect([lines.pending, settled]).toEqual([4, []]);
    await file.end();
    append('e');
    expect([lines.pending, settled]).toEqual([4, ['a']]);
    await file.end();
    expect(settled).toEqual(['a', 'b', 'c', 'd']);
    await file.end();
    expect(settled).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(file.calls).toEqual(['append 1', 'append 3', 'append 1']);
    expect(file.durable).toBe('a\nb\nc\nd\ne\n');
    expect(lines.pending).toBe(0);
  });

  test('of those that came together is one write', async () => {
    const { file, lines } = lineFile({ running: true });
    await Promise.all(Array.from({ length: 1000 }, (_, i) => lines.append(`line ${i}`)));
    expect(file.calls).toEqual(['append 1000']);
  });
});

describe('an append that fails', () => {
  test('refuses all who wait for it and all who wait behind it', async () => {
    const { file, append, settled, lines } = lineFile();
    append('a');
    append('b');
    await turns();
    append('c');
    await file.end(EIO);
    expect(settled.sort()).toEqual(['a record_unavailable', 'b record_unavailable', 'c record_unavailable']);
    expect(lines.pending).toBe(0);
  });

  test('is the last call: nothing is written or tried again', async () => {
    const { file, append, settled, failures, lines } = lineFile();
    append('a');
    await turns();
    append('b');
    await file.end(EIO);
    const calls = [...file.calls];
    file.run();
    append('c');
    await turns();
    expect(settled).toContain('c record_unavailable');
    expect(file.calls).toEqual(calls);
    expect(failures).toEqual([EIO]);
    expect(lines.failure).toBe(EIO);
  });

  test('does not take back what was durable before', async () => {
    const { file, append, settled } = lineFile();
    append('a');
    await turns();
    await file.end();
    append('b');
    await turns();
    await file.end(EIO);
    expect(settled).toEqual(['a', 'b record_unavailable']);
    expect(file.durable).toBe('a\n');
  });

  test('shows its system error to the log, and not to whoever asked', async () => {
    const { file, lines } = lineFile();
    const refused = lines.append('a');
    await turns();
    void file.end(EIO);
    await expect(refused).rejects.toMatchObject({
      code: 'record_unavailable',
      cause: EIO,
      message: expect.not.stringContaining('EIO') as string,
    });
  });
});

test('a close waits for what was appended', async () => {
  const { file, append, settled, lines } = lineFile();
  append('a');
  await turns();
  append('b');
  const closed = lines.close();
  file.run();
  await closed;
  expect(settled).toEqual(['a', 'b']);
  expect(file.calls.at(-1)).toBe('close');
});

describe('the file on disk', () => {
  test('is new, for its owner alone, and holds the lines', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'records');
    const lines = createLineFile(await createDurableFile(path, folder), () => {});
    await Promise.all([lines.append('é'), lines.append('b')]);
    await lines.close();
    expect(await readFile(path, 'utf8')).toBe('é\nb\n');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('is never one that was there', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'records');
    await (await createDurableFile(path, folder)).close();
    await expect(createDurableFile(path, folder)).rejects.toMatchObject({ code: 'EEXIST' });
  });
});
