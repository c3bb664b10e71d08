import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { EXIT } from '../../src/cli/command.ts';
import { GOOD } from '../config/good-config.ts';
import { runCli } from './run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'tallystick-ask-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text.replace('/run/tallystick-admin', folder));
  return path;
}

test.each([
  ['that is good', GOOD],
  ['with a mistake', GOOD.replace('2027-06-30', 'never')],
  ['that is not YAML', `${GOOD}"`],
])('the admin socket is found in a configuration %s: the sidecar may run by its last good one', async (_, text) => {
  expect(await runCli(['status', '--config', write('a.yaml', text)])).toMatchObject({
    code: EXIT.unreachable,
    stderr: expect.stringContaining(join(folder, 'admin.sock')) as string,
  });
});

test('a configuration that names no admin socket is refused', async () => {
  expect(await runCli(['status', '--config', write('b.yaml', 'version: 1')])).toMatchObject({ code: EXIT.notOk });
  expect(await runCli(['status', '--config', join(folder, 'absent.yaml')])).toMatchObject({ code: EXIT.notOk });
});
