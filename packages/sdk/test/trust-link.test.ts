import { chmodSync, chownSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readTrustFile } from '../src/read-trust-file.ts';

const NOBODY = 65_534;

function folderOf(uid: number): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'trust-')));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  chmodSync(folder, 0o755);
  chownSync(folder, uid, uid);
  return folder;
}

// Only root can make what another user owns.
test.skipIf(process.getuid!() !== 0)('whoever can turn a link on the way elsewhere could have written the file', () => {
  const path = join(folderOf(0), 't');
  writeFileSync(path, 'text');
  const [ours, theirs] = [folderOf(NOBODY), folderOf(0)];
  for (const folder of [ours, theirs]) {
    symlinkSync(path, join(folder, 'file'));
    symlinkSync(dirname(path), join(folder, 'folder'));
    symlinkSync(`../${basename(folder)}/folder/../${basename(dirname(path))}/t`, join(folder, 'winding'));
  }
  for (const way of ['file', 'folder/t', 'winding']) {
    expect(readTrustFile(join(theirs, way), NOBODY)).toBe('text');
    expect(() => readTrustFile(join(ours, way), NOBODY)).toThrow(/^config_invalid: .* lies in /);
  }
  symlinkSync(join(ours, 'file'), join(theirs, 'twice'));
  expect(() => readTrustFile(join(theirs, 'twice'), NOBODY)).toThrow(/^config_invalid: .* lies in /);
});
