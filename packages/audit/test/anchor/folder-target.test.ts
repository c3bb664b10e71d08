import { linkSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createFolderTarget } from '../../src/anchor/folder-target.ts';
import { createNodeLogFiles } from '../../src/log/node-log-files.ts';
import { describeReplicaTarget } from './replica-target-contract.ts';

describeReplicaTarget('a folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-folder-target-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return createFolderTarget(createNodeLogFiles(folder));
});

test('an object that has its temporary name still, after a crash, is not written again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-folder-target-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  await createFolderTarget(createNodeLogFiles(folder)).putIfAbsent('o/tile/0/000', Buffer.from('first'));
  const object = join(folder, 'o/tile/0/000');
  linkSync(object, `${object}.tmp`);
  const next = createFolderTarget(createNodeLogFiles(folder));
  expect(await next.putIfAbsent('o/tile/0/000', Buffer.from('second'))).toBe(false);
  expect(readFileSync(object, 'utf8')).toBe('first');
  expect(readdirSync(join(folder, 'o/tile/0'))).toEqual(['000']);
});
