import { chmod, mkdir, readdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '@tallystick/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readStateFile, writeStateFile } from '../../src/state/state-file.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';

const file = (): string => join(temporaryFolder(), 'thing.json');
const write = (path: string, content: Json): Promise<void> => writeStateFile(path, 'things', content);
const read = (path: string): Promise<unknown> => readStateFile(path, 'things');

describe('a state file', () => {
  test('gives back what was put in, whatever JSON can carry', async () => {
    const path = file();
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        await write(path, value as Json);
        expect(await read(path)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 30 },
    );
  });

  test('is undefined where there is none', async () => {
    expect(await read(file())).toBeUndefined();
  });

  test('is for its owner alone, and leaves nothing beside it', async () => {
    const path = file();
    await write(path, { a: 1 });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(path, '..'))).toEqual(['thing.json']);
  });

  test('that others may read or write is refused', async () => {
    const path = file();
    await write(path, { a: 1 });
    for (const mode of [0o640, 0o604, 0o620, 0o666]) {
      await chmod(path, mode);
      await expect(read(path)).rejects.toMatchObject({
        code: 'state_unusable',
        remedy: expect.stringContaining('chmod 0600') as string,
      });
    }
    await chmod(path, 0o400);
    expect(await read(path)).toEqual({ a: 1 });
  });

  test('torn at any byte is refused', async () => {
    const path = file();
    await write(path, { a: 'é', list: [1, 2, 3] });
    const whole = await readFile(path);
    for (let length = 0; length < whole.length; length++) {
      await writeFile(path, whole.subarray(0, length));
      await expect(read(path)).rejects.toMatchObject({ code: 'state_unusable' });
    }
  });

  test('with any byte changed is refused', async () => {
    const path = file();
    await write(path, { a: 1, b: 'text' });
    const whole = await readFile(path);
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 1;
      await writeFile(path, changed);
      await expect(read(path)).rejects.toMatchObject({
        code: 'state_unusable',
        message: expect.stringContaining(path) as string,
      });
    }
  });

  test('is whole after a crash between write and rename', async () => {
    const path = file();
    await write(path, { a: 1 });
    await writeFile(`${path}.new`, '{"sha256":"');
    expect(await read(path)).toEqual({ a: 1 });
    await write(path, { a: 2 });
    expect(await read(path)).toEqual({ a: 2 });
    expect(await readdir(join(path, '..'))).toEqual(['thing.json']);
  });

  test('stays as it was when it cannot be written', async () => {
    const path = file();
    await write(path, { a: 1 });
    await mkdir(`${path}.new`);
    await expect(write(path, { a: 2 })).rejects.toMatchObject({
      code: 'state_unusable',
      cause: { code: 'ERR_FS_EISDIR' },
    });
    expect(await read(path)).toEqual({ a: 1 });
    await rmdir(`${path}.new`);
    await write(path, { a: 2 });
    expect(await read(path)).toEqual({ a: 2 });
  });

  test('on a full disk leaves no half-written copy behind', async () => {
    const folder = temporaryFolder();
    // A file where a folder is needed: the rename fails after the write.
    await mkdir(join(folder, 'thing.json'));
    await expect(write(join(folder, 'thing.json'), { secret: 'x' })).rejects.toMatchObject({ code: 'state_unusable' });
    expect(await readdir(folder)).toEqual(['thing.json']);
  });
});
