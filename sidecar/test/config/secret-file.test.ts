import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSecretFile } from '../../src/config/secret-file.ts';
import { temporaryFolder } from '../listen/temporary-folder.ts';

async function secretFile(content: string | Buffer, mode = 0o600): Promise<string> {
  const path = join(temporaryFolder(), 'secret');
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

test('a secret is the whole file, without one line break at its end', async () => {
  expect(await readSecretFile(await secretFile(' canary é \r\n'))).toEqual({ ok: true, secret: ' canary é ' });
  expect(await readSecretFile(await secretFile('canary', 0o440))).toEqual({ ok: true, secret: 'canary' });
});

test.each<[string, string | Buffer, number, string]>([
  ['others may read', 'canary', 0o604, 'names a file that others may read, or its group may write'],
  ['its group may write', 'canary', 0o620, 'names a file that others may read, or its group may write'],
  ['is empty', '\n', 0o600, 'names a file that is empty, or has more than one line'],
  ['has two lines', 'canary\ncanary', 0o600, 'names a file that is empty, or has more than one line'],
  ['is large', Buffer.alloc(65_537, 'canary'), 0o600, 'names a file larger than 64 KiB'],
])('a file that %s is refused, with nothing of it in the message', async (_what, content, mode, message) => {
  const file = await readSecretFile(await secretFile(content, mode));
  expect(file).toMatchObject({ ok: false, message });
  expect(JSON.stringify(file)).not.toContain('canary');
});

test('what is no file, or not there, is refused', async () => {
  const folder = temporaryFolder();
  await mkdir(join(folder, 'secret'));
  expect(await readSecretFile(join(folder, 'secret'))).toMatchObject({ ok: false });
  expect(await readSecretFile(join(folder, 'absent'))).toMatchObject({ message: 'names a file that is not there' });
});
