import { chmod, chown, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isUlid, systemClock, systemRandom } from '@tallystick/core';
import { describe, expect, test } from 'vitest';
import { prepareStateFolder, sidecarId } from '../../src/state/state-folder.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';

const fresh = (): string => join(temporaryFolder(), 'var', 'state');

describe('a state folder', () => {
  test('is made at the first start, for its owner alone, with its format', async () => {
    const folder = fresh();
    await prepareStateFolder(folder);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await readFile(join(folder, 'FORMAT'), 'utf8')).toBe('tallystick-state 2\n');
    await prepareStateFolder(folder);
    expect(await readdir(folder)).toEqual(['FORMAT']);
  });

  test('of a newer version is refused in words, and not touched', async () => {
    const folder = fresh();
    await prepareStateFolder(folder);
    await writeFile(join(folder, 'FORMAT'), 'tallystick-state 3\n');
    await expect(prepareStateFolder(folder)).rejects.toMatchObject({
      code: 'state_newer',
      message: expect.stringMatching(/has format 3, and this version knows 2.*run the version that wrote/) as string,
    });
    expect(await readFile(join(folder, 'FORMAT'), 'utf8')).toBe('tallystick-state 3\n');
  });

  test.each([
    '',
    'tallystick-state',
    'tallystick-state 1',
    'tallystick-state x\n',
    'something else\n',
    'tallystick-state 1\nmore',
  ])('with a format that is torn or foreign is refused: %j', async (text) => {
    const folder = fresh();
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'FORMAT'), text);
    await expect(prepareStateFolder(folder)).rejects.toMatchObject({ code: 'state_unusable' });
  });

  test('is not spoilt by a first start that was killed', async () => {
    const folder = fresh();
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'FORMAT.new'), '');
    await prepareStateFolder(folder);
    expect(await readdir(folder)).toEqual(['FORMAT']);
  });

  test.each([0o720, 0o702, 0o777])('that others may write is refused: mode %o', async (mode) => {
    const folder = fresh();
    await mkdir(folder, { recursive: true });
    await chmod(folder, mode);
    await expect(prepareStateFolder(folder)).rejects.toMatchObject({
      code: 'state_unusable',
      remedy: expect.stringContaining('chmod 0700') as string,
    });
  });

  test.skipIf(process.geteuid?.() !== 0)('of another user is refused', async () => {
    const folder = fresh();
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chown(folder, 12_345, 12_345);
    await expect(prepareStateFolder(folder)).rejects.toMatchObject({ code: 'state_unusable' });
  });

  test('that is none is refused with what the system says', async () => {
    const folder = temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    await expect(prepareStateFolder(join(folder, 'file'))).rejects.toMatchObject({
      code: 'state_unusable',
      message: expect.stringContaining('EEXIST') as string,
    });
    await expect(prepareStateFolder(join(folder, 'file', 'below'))).rejects.toMatchObject({ code: 'state_unusable' });
    await symlink('/nonexistent/target', join(folder, 'dangling'));
    await expect(prepareStateFolder(join(folder, 'dangling'))).rejects.toMatchObject({ code: 'state_unusable' });
  });
});

describe('the sidecar id', () => {
  test('is made at the first start and kept', async () => {
    const folder = temporaryFolder();
    const first = await sidecarId(folder, undefined, systemClock, systemRandom);
    expect(isUlid(first)).toBe(true);
    expect(await sidecarId(folder, undefined, systemClock, systemRandom)).toBe(first);
  });

  test('is the configured one where there is one', async () => {
    const folder = temporaryFolder();
    expect(await sidecarId(folder, 'configured', systemClock, systemRandom)).toBe('configured');
    expect(await readdir(folder)).toEqual([]);
  });

  test('is not made anew over a torn file: the origin of the log would change', async () => {
    const folder = temporaryFolder();
    await sidecarId(folder, undefined, systemClock, systemRandom);
    const path = join(folder, 'sidecar.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.slice(0, -5));
    await expect(sidecarId(folder, undefined, systemClock, systemRandom)).rejects.toMatchObject({
      code: 'state_unusable',
    });
  });
});
