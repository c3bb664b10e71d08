import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createFolderTarget } from '../../src/anchor/folder-target.ts';
import { createNodeLogFiles } from '../../src/log/node-log-files.ts';
import { describeReplicaTarget } from './replica-target-contract.ts';

describeReplicaTarget('a folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-folder-target-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return createFolderTarget(createNodeLogFiles(folder));
});
