import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  open,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemTimers } from '@tallystick/core';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeBody, type Batch } from '../../src/journal/batch.ts';
import { createGroupCommit } from '../../src/journal/group-commit.ts';
import { startJournalThread } from '../../src/journal/journal-thread.ts';
import { createNodeDisk } from '../../src/journal/node-disk.ts';
import { recoverJournal } from '../../src/journal/recovery.ts';
import { WRITER_SIZES } from './written.ts';

const root = mkdtempSync(join(tmpdir(), 'tallystick-thread-'));
let folder = root;
let folders = 0;
beforeEach(() => {
  folder = join(root, String(folders++));
  mkdirSync(folder);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const start = (onBatch: (batch: Batch) => void = () => {}) =>
  startJournalThread({ folder, onBatch, sizes: WRITER_SIZES });
const body = (text: string) => encodeBody([Buffer.from(text)], Buffer.from(`head over ${text}`));
const read = (): string[] => {
  const found: string[] = [];
  const { journal } = recoverJournal({
    disk: createNodeDisk(folder),
    sizes: WRITER_SIZES,
    onBatch: ({ records, head }) => found.push(...[...records, head].map((bytes) => Buffer.from(bytes).toString())),
  });
  journal.close();
  return found;
};

describe('the journal in its thread', () => {
  test('commits as the one without, and what it acknowledged is there', async () => {
    const { committer, nextSeq } = await start();
    expect(nextSeq).toBe(0);
    expect(await committer.commit(body('a'))).toEqual({ batchNo: 0, firstSeq: 0, nextSeq: 1 });
    expect(await committer.commit(body('b'))).toEqual({ batchNo: 1, firstSeq: 1, nextSeq: 2 });
    await committer.close();
    expect(read()).toEqual(['a', 'head over a', 'b', 'head over b']);
  });

  test('does in order, one by one, what it is asked at once', async () => {
    for (let round = 0; round < 3; round++) {
      const { committer, nextSeq } = await start();
      const texts = Array.from({ length: 20 }, (_, index) => `${round}.${index}`);
      const committed = texts.map((text) => committer.commit(body(text)));
      await Promise.all([...committed, committer.release(0), committer.close()]);
      expect((await Promise.all(committed)).map(({ firstSeq }) => firstSeq)).toEqual(
        texts.map((_, index) => nextSeq + index),
      );
      expect(read().slice(nextSeq * 2)).toEqual(texts.flatMap((text) => [text, `head over ${text}`]));
    }
  });

  test('has told every batch when it starts, and where it goes on', async () => {
    const first = await start();
    for (const text of ['a', 'b', 'c']) await first.committer.commit(body(text));
    await first.committer.close();
    const told: string[] = [];
    const { committer, firstSeq, nextSeq, epoch } = await start(({ records }) =>
      told.push(Buffer.from(records[0]!).toString()),
    );
    expect(told).toEqual(['a', 'b', 'c']);
    expect({ firstSeq, nextSeq, epoch }).toEqual({ firstSeq: 0, nextSeq: 3, epoch: 2 });
    await committer.close();
  });

  test('serves group commit, over several segments, and releases them', async () => {
    const { committer, nextSeq } = await start();
    const group = createGroupCommit({
      committer,
      nextSeq,
      sign: () => Buffer.from('head'),
      timers: systemTimers,
      onFailure: () => {},
    });
    const appended = await Promise.all(Array.from({ length: 300 }, () => group.append(Buffer.alloc(1000, 1))));
    for (let more = 0; more < 100; more++) appended.push(await group.append(Buffer.alloc(1000, 1)));
    expect(appended).toEqual(Array.from({ length: 400 }, (_, seq) => seq));
    expect(readdirSync(folder).length).toBeGreaterThan(1);
    await committer.release(400);
    expect(readdirSync(folder)).toHaveLength(1);
    await group.close();
  });

  test('does not start on a damaged journal: the place and the next step cross the threads', async () => {
    const { committer } = await start();
    await committer.commit(body('a'));
    await committer.close();
    const [name] = readdirSync(folder);
    const bytes = readFileSync(join(folder, name!));
    bytes[700]! ^= 4;
    writeFileSync(join(folder, name!), bytes);
    await expect(start()).rejects.toMatchObject({
      code: 'state_unusable',
      fault: 'damaged',
      place: { segment: name, offset: 512 },
      message: expect.stringContaining('copy the folder away as evidence'),
    });
  });

  test('what the disk said crosses the threads, and is final', async () => {
    const { committer } = await start();
    rmSync(folder, { recursive: true });
    const failure = { code: 'record_unavailable', fault: 'write_failed', cause: { code: 'ENOENT' } };
    const fill = async (): Promise<never> => {
      for (;;) await committer.commit(encodeBody([Buffer.alloc(20_000)], Buffer.from('head')));
    };
    await expect(fill()).rejects.toMatchObject(failure);
    mkdirSync(folder);
    await expect(committer.commit(body('b'))).rejects.toMatchObject(failure);
    await committer.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('does not start when its caller refuses a batch, and rejects with the reason', async () => {
    const { committer } = await start();
    await committer.commit(body('a'));
    await committer.close();
    const reason = new Error('this head is not ours');
    const refuse = (): never => {
      throw reason;
    };
    await expect(start(refuse)).rejects.toBe(reason);
    expect(read()).toEqual(['a', 'head over a']);
  });

  test('a program that does not start is a rejection, not a wait', async () => {
    const program = new URL('no-such-program.ts', import.meta.url);
    await expect(startJournalThread({ folder, onBatch: () => {}, program })).rejects.toMatchObject({ fault: 'closed' });
  });

  test('refuses, instead of waiting, once it was closed', async () => {
    const { committer } = await start();
    await committer.close();
    await expect(committer.commit(body('a'))).rejects.toMatchObject({ code: 'record_unavailable' });
  });

  test('commits while every thread of the pool hangs', async () => {
    const { committer } = await start();
    const pipe = join(root, 'pipe');
    execFileSync('mkfifo', [pipe]);
    // Opening a pipe to read it waits, in the pool, until somebody opens it to write.
    const hanging = Array.from({ length: 16 }, () => Promise.withResolvers<number>());
    for (const { resolve, reject } of hanging) open(pipe, 'r', (error, fd) => (error ? reject(error) : resolve(fd)));
    expect(await committer.commit(body('a'))).toMatchObject({ nextSeq: 1 });
    let opened = 0;
    for (const { promise } of hanging) void promise.then(() => opened++);
    await new Promise((resolve) => setImmediate(resolve));
    expect(opened).toBe(0);
    const writer = openSync(pipe, constants.O_RDWR);
    for (const { promise } of hanging) closeSync(await promise);
    closeSync(writer);
    await committer.close();
  });

  test('does not keep a process alive that never asks it anything', () => {
    const module = join(import.meta.dirname, '../../src/journal/journal-thread.ts');
    const program = `import { spawnJournalThread } from '${module}'; spawnJournalThread();`;
    const args = ['--conditions=@tallystick/source', '--input-type=module', '-e', program];
    execFileSync(process.execPath, args, { timeout: 15_000 });
  });

  test('does not keep a process alive that has nothing to ask, and does while it has', async () => {
    const script = `
      import { startJournalThread } from ${JSON.stringify(new URL('../../src/journal/journal-thread.ts', import.meta.url).href)};
      import { encodeBody } from ${JSON.stringify(new URL('../../src/journal/batch.ts', import.meta.url).href)};
      startJournalThread({ folder: ${JSON.stringify(folder)}, onBatch: () => {} }).then(({ committer }) =>
        committer.commit(encodeBody([Buffer.from('last')], Buffer.from('head'))).then(({ nextSeq }) => console.log(nextSeq)));`;
    const args = [
      '--conditions=@tallystick/source',
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
      '-e',
      script,
    ];
    const program = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    program.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    expect(await once(program, 'close')).toEqual([0, null]);
    expect(said).toBe('1\n');
  });
});
